package router

import (
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
)

// SchemaError is a table that does not fit the mapping: a column is missing or
// has a type that cannot be used. No row of the table as it was then can be routed.
type SchemaError struct {
	Relation string // schema.table as the stream named it
	Column   string
	Key      string // key of the configuration that names the column, as outbox.key
	Text     string // what is wrong with the column
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("relation %s: column %q (%s) %s: change %s in the file, or the table", e.Relation, e.Column, e.Key, e.Text, e.Key)
}

// ValueError is a value that is not in the form Postgres gives it. It means that
// the session does not have the settings that every session of walpost has, or a defect.
type ValueError struct {
	Relation string
	Column   string
	Key      string
	Text     string // never holds bytes of the value
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("relation %s: column %q (%s): %s", e.Relation, e.Column, e.Key, e.Text)
}

func (p *plan) valueError(c *column, text string) error {
	return &ValueError{Relation: relationName(p.relation), Column: c.name, Key: c.setting, Text: text}
}

// relationName returns schema.table for people. The protocol sends an empty schema
// for pg_catalog.
func relationName(rel *pgoutput.Relation) string {
	if rel.Namespace == "" {
		return "pg_catalog." + rel.Name
	}
	return rel.Namespace + "." + rel.Name
}
