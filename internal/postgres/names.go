package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// TableName is a table by its two parts, unquoted.
type TableName struct{ Schema, Name string }

// IsZero reports whether there is no table, because events are messages.
func (n TableName) IsZero() bool { return n == TableName{} }

// Quoted gives the name as SQL wants it, always quoted.
func (n TableName) Quoted() string { return pgx.Identifier{n.Schema, n.Name}.Sanitize() }

// String gives the name as a person writes it: quoted only where SQL needs it.
func (n TableName) String() string { return DisplayName(n.Schema) + "." + DisplayName(n.Name) }

// Quote gives an identifier in double quotes.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// QuoteLiteral returns s as a string literal of SQL.
func QuoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// DisplayName returns an object's name as messages show it.
func DisplayName(name string) string {
	plain := name != "" && (name[0] < '0' || name[0] > '9')
	for _, c := range name {
		plain = plain && (c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
	}
	if plain {
		return name
	}
	return Quote(name)
}
