package outbox

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxIdentifierBytes is the length of a name in Postgres (NAMEDATALEN - 1). The
// server would cut a longer one in silence.
const maxIdentifierBytes = 63

// tableName is a table by its two parts, unquoted.
type tableName struct{ schema, name string }

// quoted gives the name as SQL wants it.
func (t tableName) quoted() string { return quote(t.schema) + "." + quote(t.name) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// parseTable reads a table name in SQL syntax, by the rules of the relay's file.
func parseTable(text string) (tableName, error) {
	var names []string
	for rest := text; ; {
		name, after, err := identifier(rest)
		if err != nil {
			return tableName{}, err
		}
		if err := checkIdentifier(name); err != nil {
			return tableName{}, err
		}
		names = append(names, name)
		if after == "" {
			break
		}
		if after[0] != '.' {
			return tableName{}, errors.New(`want table or schema.table in SQL syntax, like public.outbox or "My Schema"."Outbox"`)
		}
		rest = after[1:]
	}
	switch len(names) {
	case 1:
		return tableName{"public", names[0]}, nil
	case 2:
		return tableName{names[0], names[1]}, nil
	default:
		return tableName{}, errors.New("want table or schema.table, without a database")
	}
}

// identifier reads one name from the start of the text and gives what follows.
func identifier(text string) (name, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		name = plainName.FindString(text)
		return strings.Map(foldASCII, name), text[len(name):], nil
	}
	var out strings.Builder
	rest = text[1:]
	for {
		part, after, closed := strings.Cut(rest, `"`)
		if !closed {
			return "", "", errors.New(`want a closing "`)
		}
		out.WriteString(part)
		if !strings.HasPrefix(after, `"`) {
			return out.String(), after, nil
		}
		out.WriteByte('"')
		rest = after[1:]
	}
}

// foldASCII folds as the server does in UTF-8: ASCII letters only.
func foldASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func checkIdentifier(name string) error {
	switch {
	case name == "":
		return errors.New("want a name; one that is not of letters, digits and _ goes in double quotes")
	case len(name) > maxIdentifierBytes:
		return fmt.Errorf("want names of at most %d bytes", maxIdentifierBytes)
	case !validText(name):
		return errors.New("want names in UTF-8, without NUL")
	}
	return nil
}

// plainName is a name that needs no quotes but for its capitals.
var plainName = regexp.MustCompile(`^[\pL_][\pL\pM\pN_$]*`)

// sqlType is what a type may look like: a name, perhaps qualified, of several
// words, or with a modifier.
var sqlType = regexp.MustCompile(`^("[^"\x00]+"|[\pL_][\pL\pN_]*)([ .]("[^"\x00]+"|[\pL_][\pL\pN_]*))*( ?\([0-9, ]+\))?( [\pL ]+)?$`)

// typeModifier is the (255) of varchar(255).
var typeModifier = regexp.MustCompile(` ?\([0-9, ]+\)`)
