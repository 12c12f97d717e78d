package router

import (
	"strconv"
	"strings"

	"github.com/walpost/walpost/internal/pgoutput"
)

// TypeInfo is what the catalogue knows of a type and the stream does not say.
type TypeInfo struct {
	Name string // pg_type.typname
	Kind byte   // pg_type.typtype: b base, c composite, d domain, e enum, m multirange, p pseudo, r range
}

// Finding is what Check says of one column.
type Finding struct {
	Column string
	Key    string // key of the configuration that names the column
	Text   string // what is wrong with the column, or what differs
	Failed bool   // true: no row can be routed; false: a warning
}

// Check says before a row comes what Route would say of a table: columns that
// are missing or cannot serve, and columns whose text is Postgres' own where
// Debezium's is another. rel is the table as the stream would describe it; types
// holds the types that are not built in, by OID.
func (r *Router) Check(rel *pgoutput.Relation, types map[uint32]TypeInfo) []Finding {
	p, problems := r.mapping.resolve(rel)
	var findings []Finding
	for _, e := range problems {
		findings = append(findings, Finding{Column: e.Column, Key: e.Key, Text: e.Text, Failed: true})
	}
	// The timestamp and partition columns are not shown as text.
	for _, c := range p.textColumns() {
		col := rel.Columns[c.index]
		if difference := textDifference(col, types); difference != "" {
			findings = append(findings, Finding{Column: c.name, Key: c.setting, Text: difference})
		}
	}
	return findings
}

// textColumns gives the columns whose text is part of a record.
func (p *plan) textColumns() []*column {
	var columns []*column
	for i := range p.topic {
		if p.topic[i].column != nil {
			columns = append(columns, p.topic[i].column)
		}
	}
	for i := range p.headers {
		if p.headers[i].name != "" {
			columns = append(columns, &p.headers[i])
		}
	}
	for _, c := range []*column{p.key, p.value} {
		if c != nil {
			columns = append(columns, c)
		}
	}
	return columns
}

// textDifference says where the text of a column differs from Debezium's, "" when
// it does not.
func textDifference(col pgoutput.Column, types map[uint32]TypeInfo) string {
	oid := col.TypeOID
	if e := elementOf(oid); e != 0 {
		oid = e
	}
	if geometricName(oid) != "" && oid != oidPoint {
		return "type " + typeName(col.TypeOID) + " is published as Postgres prints it; Debezium publishes a structure"
	}
	if scale := numericScale(oid, col.TypeMod); scale > 6 {
		return "numeric with " + strconv.Itoa(scale) + " decimals is published as Postgres prints it; Debezium publishes numbers nearer to zero than 0.000001 with an exponent, as 1E-7"
	}
	if col.TypeOID >= firstUserOID {
		return userTypeDifference(col.TypeOID, types)
	}
	return ""
}

// numericScale gives the digits behind the point of numeric(p,s), 0 for others.
func numericScale(oid uint32, typeMod int32) int {
	if oid != oidNumeric || typeMod < 4 {
		return 0
	}
	scale := int(typeMod-4) & 0x7ff // eleven bits, signed since PG 15
	if scale >= 0x400 {
		scale -= 0x800
	}
	return scale
}

// userTypeDifference is textDifference for types that are not built in.
func userTypeDifference(oid uint32, types map[uint32]TypeInfo) string {
	info, known := types[oid]
	if !known {
		return "type " + typeName(oid) + " is not built in and is published as Postgres prints it; Debezium may publish another text"
	}
	switch {
	case info.Kind == 'e', info.Name == "citext", info.Name == "ltree", info.Name == "isbn":
		return ""
	case info.Kind == 'd':
		return "domain " + info.Name + " is published as Postgres prints it; Debezium publishes it as its base type"
	case strings.HasPrefix(info.Name, "_"):
		return "array type " + info.Name[1:] + "[] is published as Postgres prints it; Debezium publishes a list as [\"a\",\"b\"]"
	}
	return "type " + info.Name + " is published as Postgres prints it; Debezium may publish another text"
}
