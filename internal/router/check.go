package router

import (
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/router/debezium"
)

// Finding is a problem of one column.
type Finding struct {
	Column string
	Key    string // key of the configuration that names the column, or what to set
	Text   string // what is wrong with the column, or what differs
	Failed bool   // true: no row can be routed; false: a warning
}

// Check returns, before the first row, what Route would refuse in a table: columns that are
// missing or have a type that cannot be used. It also returns columns whose text differs
// from Debezium's. rel is the table as the stream would describe it; types holds the types
// that are not built in, by OID.
func (r *Router) Check(rel *pgoutput.Relation, types map[uint32]debezium.TypeInfo) []Finding {
	p, problems := r.resolve(rel)
	var findings []Finding
	for _, e := range problems {
		findings = append(findings, Finding{Column: e.Column, Key: e.Key, Text: e.Text, Failed: true})
	}
	// The timestamp and partition columns are not shown as text.
	for _, c := range p.textColumns() {
		col := rel.Columns[c.index]
		if difference := debezium.Difference(col.TypeOID, col.TypeMod, types); difference != "" {
			findings = append(findings, Finding{Column: c.name, Key: c.setting, Text: difference})
		}
	}
	if f := &r.mapping.Format; f.Value == EncodingJSON && !f.ExpandJSON && p.value != nil && p.value.json != nil && p.value.json.JSON() {
		findings = append(findings, jsonInJSON(p.value.name))
	}
	return findings
}

// jsonInJSON warns of a payload that consumers parse twice. It is no difference to Debezium.
func jsonInJSON(column string) Finding {
	return Finding{
		Column: column, Key: "outbox.format.expand_json, which publishes the object; or outbox.format.value: text",
		Text: "its JSON becomes a string within JSON, as JsonConverter writes it: consumers parse it twice",
	}
}

// textColumns returns the columns whose text is part of a record.
func (p *plan) textColumns() []*column {
	var columns []*column
	for i := range p.topic {
		if p.topic[i].column != nil {
			columns = append(columns, p.topic[i].column)
		}
	}
	for i := range p.headers {
		columns = append(columns, &p.headers[i].column)
	}
	columns = append(columns, p.keys...)
	for _, c := range []*column{p.key, p.value} {
		if c != nil {
			columns = append(columns, c)
		}
	}
	if p.composed != nil {
		for i := range p.composed.members {
			columns = append(columns, &p.composed.members[i].column)
		}
	}
	return columns
}
