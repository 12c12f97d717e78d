package outbox

import (
	"strings"

	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// column is one that Write fills.
type column struct {
	name   string
	sql    string // its type for DDL
	cast   string // its type without a modifier, for a cast to (255) would cut in silence
	field  string // of Event, for errors
	header string // name of its record header; "" for none
}

// The first columns are always there.
const (
	indexID = iota
	indexAggregateType
	indexAggregateID
	indexType
	indexPayload
	indexExtra
)

// columnsOf lists the columns of a configuration and checks their names and types.
func columnsOf(c *Config) ([]column, error) {
	names := c.Columns
	columns := []column{
		{name: names.ID, sql: "uuid", field: "ID", header: "id"},
		{name: names.AggregateType, sql: "text", field: "AggregateType"},
		{name: names.AggregateID, sql: "text", field: "AggregateID"},
		{name: names.Type, sql: "text", field: "Type", header: "eventType"},
		{name: names.Payload, sql: "jsonb", field: "Payload"},
	}
	for _, optional := range []column{
		{name: names.SchemaVersion, sql: "integer", field: "SchemaVersion", header: names.SchemaVersion},
		{name: names.Traceparent, sql: "text", field: "Traceparent", header: "traceparent"},
		{name: names.Tracestate, sql: "text", field: "Tracestate", header: "tracestate"},
	} {
		if optional.name != "" {
			columns = append(columns, optional)
		}
	}
	for _, h := range c.Headers {
		if h.Header == "" || !validText(h.Header) {
			return nil, badConfig("Headers", "header %q: want a name in UTF-8", h.Header)
		}
		columns = append(columns, column{name: h.Column, sql: "text", field: headerField(h.Header), header: h.Header})
	}
	return columns, checkColumns(c, columns)
}

// columnField returns the field of Config that names the column.
func columnField(c *column) string {
	if strings.HasPrefix(c.field, "Headers[") {
		return "Headers"
	}
	return "Columns." + c.field
}

func headerField(name string) string { return `Headers["` + name + `"]` }

// checkColumns checks the names and fills in the types.
func checkColumns(c *Config, columns []column) error {
	seen := map[string]bool{c.Columns.CreatedAt: c.Columns.CreatedAt != ""}
	headers := make(map[string]bool)
	for i := range columns {
		col := &columns[i]
		if err := pgname.Check(col.name); err != nil {
			return badConfig(columnField(col), "column %q: %v", col.name, err)
		}
		if seen[col.name] {
			return badConfig(columnField(col), "column %s is named twice", col.name)
		}
		if headers[col.field] {
			return badConfig(columnField(col), "%s is given twice", col.field)
		}
		seen[col.name], headers[col.field] = true, true
		if own, ok := c.Types[col.name]; ok {
			col.sql = own
		}
		col.cast = castOf(col.sql)
	}
	return checkTypes(c.Types, seen)
}

// checkTypes checks the types of columns.
func checkTypes(types map[string]string, columns map[string]bool) error {
	for name, own := range types {
		if !columns[name] {
			return badConfig("Types", "there is no column %s", name)
		}
		if !sqlType.MatchString(own) {
			return badConfig("Types", "%q of column %s is not a type", own, name)
		}
	}
	return nil
}

// castOf is a type without its modifier. Types whose length is then 1 give way to
// those without a length; the column itself judges the length.
func castOf(sqlType string) string {
	cast := typeModifier.ReplaceAllString(sqlType, "")
	switch strings.ToLower(cast) {
	case "char", "character":
		return "bpchar"
	case "bit":
		return "varbit"
	default:
		return cast
	}
}

func (w *Writer) columnIndex(name string) (int, bool) {
	for i := range w.columns {
		if w.columns[i].name == name {
			return i, true
		}
	}
	return 0, false
}

// payloadKind is how a payload is written.
type payloadKind int

const (
	payloadText payloadKind = iota
	payloadJSON
	payloadJSONB
	payloadBytes
)

func kindOf(cast string) payloadKind {
	switch strings.ToLower(cast) {
	case "json":
		return payloadJSON
	case "jsonb":
		return payloadJSONB
	case "bytea":
		return payloadBytes
	default:
		return payloadText
	}
}
