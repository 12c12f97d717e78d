package router

import (
	"slices"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/router/connect"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// Keys of the configuration that name columns.
const (
	keyTopic     = "outbox.topic"
	keyID        = "outbox.id"
	keyKey       = "outbox.key"
	keyValue     = "outbox.value"
	keyTimestamp = "outbox.timestamp"
	keyPartition = "outbox.partition"
	keyHeaders   = "outbox.headers"
	keyTrace     = "outbox.trace"
	keyFilter    = "outbox.filter"

	keyEnvelope      = "outbox.format.envelope"
	keySchemaVersion = "outbox.format.schema_version"
)

// column is where a column of the mapping is in the rows of one relation, and
// what is done to its text.
type column struct {
	index      int
	name       string
	setting    string // key of the configuration that names it
	conversion debezium.Conversion
	json       *connect.Column // nil: written as text
	prefix     []byte          // before the JSON, its schema; a brace follows then
}

// plan is the mapping applied to one Relation message: every column by its
// index. It is made once per message, by name, because the same table has other
// columns in other places before and after an ALTER TABLE.
type plan struct {
	relation  *pgoutput.Relation
	topic     []topicPart
	key       *column // nil: no key, or one of the next
	keys      []*column
	keyObject *column
	value     *column
	timestamp *column // nil: commit time
	partition *column // nil: by key
	layout    layout  // of headers, with the values of the last row
	headers   []headerColumn
	members   *column      // nil: no JSON column of headers
	composed  *composition // of the value; nil: it is the column
	required  []*column    // by their schemas they have no NULL
	trace     *column      // nil: no trace context
	filter    []filterColumn
}

// topicPart is a literal, or a column when that is not nil.
type topicPart struct {
	literal string
	column  *column
}

// plan returns the plan of a relation: that of the one before where the pointer is the same:
// a Relation is never changed once it was decoded.
func (r *Router) plan(rel *pgoutput.Relation) (*plan, error) {
	if r.last != nil && r.last.relation == rel {
		return r.last, nil
	}
	if p := r.plans[rel.ID]; p != nil && p.relation == rel {
		r.last = p
		return p, nil
	}
	p, problems := r.resolve(rel)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	r.plans[rel.ID] = p
	r.last = p
	return p, nil
}

// resolve finds every column of the mapping in the relation. It gives all that
// is wrong, not only the first.
func (r *Router) resolve(rel *pgoutput.Relation) (*plan, []*SchemaError) {
	m := &r.mapping
	s := resolver{mapping: m, facts: &r.facts, relation: rel}
	p := &plan{relation: rel}
	p.topic = s.topic(m.Topic)
	s.headers(p)
	s.key(p)
	p.value = s.encoded(s.find(m.Value, keyValue, asBytes), m.Format.Value)
	p.timestamp = s.find(m.Timestamp, keyTimestamp, asTimestamp)
	p.partition = s.findOptional(m.Partition, keyPartition, asPartition)
	p.filter = s.filter()
	s.compose(p, r.expander)
	p.require(&m.Format)
	return p, s.problems
}

// topic finds the columns of a template.
func (s *resolver) topic(template topicname.Template) []topicPart {
	parts := make([]topicPart, 0, len(template))
	for _, part := range template {
		t := topicPart{literal: part.Literal}
		if part.Column != "" {
			t.column = s.find(part.Column, keyTopic, asText)
		}
		parts = append(parts, t)
	}
	return parts
}

// use is what a column is for; it decides which types can serve.
type use int

const (
	asText      use = iota // headers and topics: bytea as base64
	asBytes                // key and value: bytea as its bytes
	asTimestamp            // timestamp, timestamptz
	asPartition            // int2, int4, int8
	asJSON                 // json, jsonb, and types of text
	asFilter               // types of text that are not padded
)

// resolver looks up columns in one relation and gathers what is wrong.
type resolver struct {
	mapping  *Mapping
	facts    *Facts
	relation *pgoutput.Relation
	problems []*SchemaError
}

// find returns the column of that name, nil for "" and where there is a problem.
func (s *resolver) find(name, setting string, u use) *column {
	if name == "" {
		return nil
	}
	for i, col := range s.relation.Columns {
		if col.Name != name {
			continue
		}
		if want := u.unsuitable(col.TypeOID); want != "" {
			s.problem(name, setting, "has type "+debezium.TypeName(col.TypeOID)+", want "+want)
			return nil
		}
		c := debezium.ConversionOf(col.TypeOID, col.TypeMod).Binary(s.mapping.Format.Binary)
		if u == asBytes {
			c = c.Raw()
		}
		return &column{index: i, name: name, setting: setting, conversion: c}
	}
	s.problem(name, setting, "is not there")
	return nil
}

// findOptional is find for a column that may be ignored.
func (s *resolver) findOptional(name, setting string, u use) *column {
	if s.ignored(name) {
		return nil
	}
	return s.find(name, setting, u)
}

// ignored reports whether a column is missing and may be, by missing_columns.
func (s *resolver) ignored(name string) bool {
	is := func(c pgoutput.Column) bool { return c.Name == name }
	return s.mapping.IgnoreMissing && !slices.ContainsFunc(s.relation.Columns, is)
}

func (s *resolver) problem(name, setting, what string) {
	s.problems = append(s.problems, &SchemaError{
		Relation: relationName(s.relation), Column: name, Key: setting, Text: what,
	})
}

// unsuitable names the types that could serve, "" when this one can.
func (u use) unsuitable(oid uint32) string {
	switch u {
	case asTimestamp:
		if oid != debezium.OIDTimestamp && oid != debezium.OIDTimestamptz {
			return "timestamp or timestamptz"
		}
	case asPartition:
		if oid != debezium.OIDInt2 && oid != debezium.OIDInt4 && oid != debezium.OIDInt8 {
			return "smallint, integer or bigint"
		}
	case asJSON:
		if oid != debezium.OIDJSON && oid != debezium.OIDJSONB && oid != debezium.OIDText && oid != debezium.OIDVarchar {
			return "jsonb, json, text or varchar"
		}
	case asFilter:
		if oid != debezium.OIDText && oid != debezium.OIDVarchar {
			return "text or varchar"
		}
	case asText, asBytes:
	}
	return ""
}
