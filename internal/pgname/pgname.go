// Package pgname knows how names and strings are written in Postgres' SQL.
//
// It depends on the standard library alone: pkg/outbox, which services import, reads the
// names of tables by the same rules as the relay.
package pgname

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxLength is the length of a name in bytes (NAMEDATALEN - 1). The server would cut a
// longer one in silence.
const MaxLength = 63

// Check returns what is wrong with an identifier, which is given without quotes.
func Check(name string) error {
	if len(name) > MaxLength {
		return fmt.Errorf("want names of at most %d bytes", MaxLength)
	}
	return checkText(name)
}

func checkText(name string) error {
	switch {
	case name == "":
		return errors.New("want a name; one that is not of letters, digits and _ goes in double quotes")
	case !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0:
		return errors.New("want names in UTF-8, without NUL")
	}
	return nil
}

// Plain reports whether a name means the same with and without quotes.
func Plain(name string) bool { return plain.MatchString(name) }

var (
	plain    = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	unquoted = regexp.MustCompile(`^[\pL_][\pL\pM\pN_$]*`) // a name at the beginning of a text
)

// Quote returns an identifier in double quotes.
func Quote(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// QuoteIfNeeded returns an identifier as a person writes it: in quotes where they are needed.
func QuoteIfNeeded(name string) string {
	if Plain(name) {
		return name
	}
	return Quote(name)
}

// Literal returns a string in single quotes, as quote_literal does: it means the same
// whatever standard_conforming_strings is.
func Literal(text string) string {
	if !strings.Contains(text, `\`) {
		return CommandLiteral(text)
	}
	return "E" + CommandLiteral(strings.ReplaceAll(text, `\`, `\\`))
}

// CommandLiteral returns a string as the grammar of replication commands wants it, which
// knows no escapes.
func CommandLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// next reads the identifier at the beginning of a text and returns what follows. Without
// quotes it is folded to lower case as the server does; "" in quotes is one quote.
func next(text string) (name, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		name = unquoted.FindString(text)
		return strings.Map(foldASCII, name), text[len(name):], nil
	}
	var out strings.Builder
	rest = text[1:]
	for {
		part, after, closed := strings.Cut(rest, `"`)
		if !closed {
			return "", "", errors.New(`want a closing " in the table name`)
		}
		out.WriteString(part)
		if strings.HasPrefix(after, `"`) {
			out.WriteByte('"')
			rest = after[1:]
			continue
		}
		if out.Len() == 0 {
			return "", "", errors.New("want a name between the quotes of the table name")
		}
		return out.String(), after, nil
	}
}

// foldASCII folds as the server does in UTF-8: ASCII letters only.
func foldASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// PrimaryKey returns the name that Postgres gives the primary key of a table, which is in SQL syntax,
// quoted if it must be.
func PrimaryKey(table string) string {
	t, err := ParseTable(table)
	if err != nil {
		return QuoteIfNeeded(table + "_pkey")
	}
	return QuoteIfNeeded(t.Name + "_pkey")
}
