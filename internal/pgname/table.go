package pgname

import (
	"errors"
)

// defaultSchema is the schema of a table that is named without one. It is not looked up
// in a search_path.
const defaultSchema = "public"

// ErrDatabase says that a table is named with its database.
var ErrDatabase = errors.New("want table or schema.table, without a database")

// Table is a table by its two parts, unquoted.
type Table struct{ Schema, Name string }

// ParseTable reads a table name in SQL syntax: outbox, sales.outbox,
// "My Schema"."Outbox".
func ParseTable(text string) (Table, error) {
	names, err := split(text)
	if err != nil {
		return Table{}, err
	}
	for _, name := range names {
		if err := Check(name); err != nil {
			return Table{}, err
		}
	}
	switch len(names) {
	case 1:
		return Table{Schema: defaultSchema, Name: names[0]}, nil
	case 2:
		return Table{Schema: names[0], Name: names[1]}, nil
	default:
		return Table{}, ErrDatabase
	}
}

// IsTable reports whether the text is a table name in SQL syntax. Unlike ParseTable it
// takes names that the server cuts.
func IsTable(text string) bool {
	names, err := split(text)
	return err == nil && len(names) <= 2
}

// split reads the names between the dots.
func split(text string) ([]string, error) {
	var names []string
	for rest := text; ; {
		name, after, err := next(rest)
		if err != nil {
			return nil, err
		}
		if err := checkText(name); err != nil {
			return nil, err
		}
		names = append(names, name)
		if after == "" {
			return names, nil
		}
		if after[0] != '.' {
			return nil, errors.New(`want table or schema.table in SQL syntax, like public.outbox or "My Schema"."Outbox"`)
		}
		rest = after[1:]
	}
}

// IsZero reports whether there is no table: events are messages.
func (t Table) IsZero() bool { return t == Table{} }

// Quoted returns the name as SQL wants it, always quoted.
func (t Table) Quoted() string { return Quote(t.Schema) + "." + Quote(t.Name) }

// String returns the name as a person writes it, "" when there is no table.
func (t Table) String() string {
	if t.IsZero() {
		return ""
	}
	return QuoteIfNeeded(t.Schema) + "." + QuoteIfNeeded(t.Name)
}
