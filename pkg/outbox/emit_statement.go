package outbox

import (
	"strconv"
	"strings"

	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// emitStatement returns what Emit runs: $1 is the prefix, then comes an array for each
// column. The server makes the message, since only it knows the text of jsonb. It is
// converted to UTF-8, because pgoutput sends a message's bytes as they are, whatever the
// encoding of the database.
func emitStatement(columns []column) (string, error) {
	var arrays, names, members strings.Builder
	for i := range columns {
		name := "c" + strconv.Itoa(i)
		text, ok := messageText(columns[i].sql, name)
		if !ok {
			return "", badConfig("Types", "column %s is of type %s, which Emit cannot send as the relay would publish it: want text, "+
				"or Write",
				columns[i].name, columns[i].sql)
		}
		if i > 0 {
			for _, b := range []*strings.Builder{&arrays, &names, &members} {
				b.WriteString(", ")
			}
		}
		arrays.WriteString("$" + strconv.Itoa(i+2) + "::" + columns[i].cast + "[]")
		names.WriteString(name)
		members.WriteString(pgname.Literal(columns[i].name) + ", " + text)
	}
	return "SELECT pg_logical_emit_message(true, $1::text, convert_to(json_build_object(" + members.String() + ")::text, 'UTF8'))" +
		" FROM unnest(" + arrays.String() + ") AS events(" + names.String() + ")", nil
}

// messageText is the SQL of a column's value in a message: the text that the relay
// gives a record for a column of the type.
func messageText(sqlType, name string) (string, bool) {
	switch typeModifier.ReplaceAllString(strings.ToLower(sqlType), "") {
	case "text", "varchar", "character varying", "uuid", "json", "jsonb", "boolean", "bool",
		"smallint", "int2", "integer", "int", "int4", "bigint", "int8":
		return name + "::text", true
	case "bytea":
		return "CASE WHEN " + name + " IS NOT NULL THEN json_build_object('hex', encode(" + name + ", 'hex')) END", true
	case "timestamptz", "timestamp with time zone":
		if typeModifier.MatchString(sqlType) {
			return "", false
		}
		return "CASE WHEN isfinite(" + name + ") THEN to_char(" + name + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE ` +
			name + "::text END", true
	default:
		return "", false
	}
}
