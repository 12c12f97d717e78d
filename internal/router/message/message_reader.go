package message

import (
	"slices"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/router/jsontext"
)

// messageRelation is what errors call the source of events without a table.
const messageRelation = "outbox.message"

// maxScratch is the largest memory kept from one message to the next.
const maxScratch = 1 << 20

// Reader reads the content of logical decoding messages as rows. It is not safe for
// concurrent use: it reuses its memory at every message.
type Reader struct {
	relation *pgoutput.Relation
	types    []uint32 // of the message at hand, by column
	seen     []bool
	row      pgoutput.Tuple
	inserted pgoutput.Insert
	take     func(*jsontext.Scanner, []byte) // member, made once
	scanner  jsontext.Scanner
	scratch  []byte // unescaped texts of this message
}

// NewReader returns a Reader of rows with these columns. A column of type timestamptz, int8
// or json takes a text of that type, any other one takes text or bytes.
func NewReader(columns []pgoutput.Column) *Reader {
	n := len(columns)
	m := &Reader{
		relation: &pgoutput.Relation{ID: 1, Name: messageRelation, Columns: columns},
		types:    make([]uint32, n), seen: make([]bool, n), row: make(pgoutput.Tuple, n),
	}
	m.take = m.member
	return m
}

// Partial returns the row that can be made of content that ends too early: with the
// members that come before its end.
func (m *Reader) Partial(content []byte) *pgoutput.Insert {
	_, _ = m.Insert(content) // its fault is that it ends
	return &pgoutput.Insert{Relation: m.relation, Row: m.row}
}

// Insert reads a message as the insert of a row, which is valid until the next call. fault says what is wrong with it,
// and never shows content.
func (m *Reader) Insert(content []byte) (ins *pgoutput.Insert, fault string) {
	if !utf8.Valid(content) {
		return nil, "it is not UTF-8"
	}
	if cap(m.scratch) > maxScratch {
		m.scratch = nil
	}
	m.scratch = m.scratch[:0]
	for i := range m.row {
		m.row[i] = pgoutput.Value{Kind: pgoutput.Null}
		m.types[i] = m.relation.Columns[i].TypeOID
		m.seen[i] = false
	}
	m.scanner = jsontext.New(content, m.scratch)
	s := &m.scanner
	s.Object(m.take)
	m.scratch = s.Scratch()
	if fault := s.Fault(); fault != "" {
		return nil, fault
	}
	m.retype()
	m.inserted = pgoutput.Insert{Relation: m.relation, Row: m.row}
	return &m.inserted, ""
}

// member takes one member of the object.
func (m *Reader) member(s *jsontext.Scanner, name []byte) {
	i := slices.IndexFunc(m.relation.Columns, func(c pgoutput.Column) bool { return c.Name == string(name) })
	text, kind := value(s)
	if i < 0 || s.Fault() != "" {
		return
	}
	column := &m.relation.Columns[i]
	fixed := column.TypeOID == debezium.OIDTimestamptz || column.TypeOID == debezium.OIDInt8 || column.TypeOID == debezium.OIDJSON
	switch {
	case m.seen[i]:
		s.Fail("column " + column.Name + " is there twice")
	case kind == jsonNull:
	case kind == jsonBytes && fixed:
		s.Fail("column " + column.Name + " has bytes")
	case kind == jsonBytes:
		m.row[i], m.types[i] = pgoutput.Value{Kind: pgoutput.Text, Data: text}, debezium.OIDBytea
	case fixed:
		m.row[i] = pgoutput.Value{Kind: pgoutput.Text, Data: sqlMoment(text, column.TypeOID)}
	default:
		m.row[i], m.types[i] = pgoutput.Value{Kind: pgoutput.Text, Data: text}, debezium.OIDText
	}
	m.seen[i] = true
}

// sqlMoment turns the ISO form of a timestamp into Postgres', in which the router
// reads it. Other texts stay.
func sqlMoment(text []byte, oid uint32) []byte {
	const date = len("2006-01-02")
	if oid != debezium.OIDTimestamptz || len(text) <= date {
		return text
	}
	out := slices.Clone(text)
	if i := slices.Index(out, 'T'); i >= date {
		out[i] = ' '
	}
	if end := len(out) - 1; out[end] == 'Z' {
		out = append(out[:end], "+00"...)
	}
	return out
}

// retype sets in the relation the types of the message at hand. A plan goes by the
// relation's pointer, so it is another one only when a column has changed between
// text and bytes.
func (m *Reader) retype() {
	for i, oid := range m.types {
		if m.relation.Columns[i].TypeOID == oid {
			continue
		}
		next := *m.relation
		next.Columns = slices.Clone(next.Columns)
		for i, oid := range m.types {
			next.Columns[i].TypeOID = oid
		}
		m.relation = &next
		return
	}
}
