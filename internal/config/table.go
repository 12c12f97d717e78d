package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// defaultSchema is the schema of a table that the file names without one. It is
// not looked up in a search_path: walpost runs with that emptied.
const defaultSchema = "public"

// maxIdentifierBytes is the length of a name in Postgres (NAMEDATALEN - 1). The
// server would cut a longer one in silence.
const maxIdentifierBytes = 63

// ParseTable reads a table name in SQL syntax: outbox, sales.outbox,
// "My Schema"."Outbox". Names without quotes are folded to lower case as the
// server does; "" in quotes is one quote.
func ParseTable(text string) (Table, error) {
	var names []string
	for rest := text; ; {
		name, after, err := identifier(rest)
		if err != nil {
			return Table{}, err
		}
		names = append(names, name)
		if after == "" {
			break
		}
		if after[0] != '.' {
			return Table{}, errors.New(`want table or schema.table in SQL syntax, like public.outbox or "My Schema"."Outbox"`)
		}
		rest = after[1:]
	}
	switch len(names) {
	case 1:
		return Table{Schema: defaultSchema, Name: names[0]}, nil
	case 2:
		return Table{Schema: names[0], Name: names[1]}, nil
	default:
		return Table{}, errors.New("want table or schema.table: the database is part of postgres.url")
	}
}

// identifier reads one name from the start of the text and gives what follows.
func identifier(text string) (name, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		name, rest, err = quotedIdentifier(text)
	} else {
		name = regexp.MustCompile(`^[\pL_][\pL\pM\pN_$]*`).FindString(text)
		if name == "" {
			return "", "", errors.New(`want table or schema.table in SQL syntax: a name that is not of letters, digits and _ goes in quotes, like '"My Schema"."Outbox"'`)
		}
		rest = text[len(name):]
		name = strings.Map(foldASCII, name)
	}
	if len(name) > maxIdentifierBytes {
		return "", "", fmt.Errorf("want names of at most %d bytes", maxIdentifierBytes)
	}
	return name, rest, err
}

// foldASCII folds as the server does in UTF-8: ASCII letters only.
func foldASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func quotedIdentifier(text string) (name, rest string, err error) {
	var out strings.Builder
	rest = text[1:]
	for {
		part, after, closed := strings.Cut(rest, `"`)
		if !closed {
			return "", "", errors.New(`want a closing " in the table name`)
		}
		out.WriteString(part)
		rest = after
		if !strings.HasPrefix(rest, `"`) {
			break
		}
		out.WriteByte('"')
		rest = rest[1:]
	}
	if out.Len() == 0 || strings.ContainsRune(out.String(), 0) {
		return "", "", errors.New(`want a name between the quotes of the table name`)
	}
	return out.String(), rest, nil
}

// String is the table in SQL syntax, with quotes where they are needed.
func (t Table) String() string {
	if t == (Table{}) {
		return ""
	}
	return quoteIdentifier(t.Schema) + "." + quoteIdentifier(t.Name)
}

func quoteIdentifier(name string) string {
	if regexp.MustCompile(`^[a-z_][a-z0-9_]*$`).MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
