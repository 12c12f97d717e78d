package router

import (
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/pgoutput"
)

// messageRelation is what errors call the source of events without a table.
const messageRelation = "outbox.message"

// messages reads the content of logical decoding messages as rows: one column for
// each that the mapping names.
type messages struct {
	relation *pgoutput.Relation
	types    []uint32 // of the message at hand, by column
	seen     []bool
	row      pgoutput.Tuple
	inserted pgoutput.Insert
	take     func(*scanner, []byte) // member, made once
	scanner  scanner
	scratch  []byte // unescaped texts of this message
}

// newMessages gives the columns of the mapping the types that their use wants, so
// that a plan always fits.
func newMessages(m *Mapping) *messages {
	rel := &pgoutput.Relation{ID: 1, Name: messageRelation}
	add := func(name string, oid uint32) {
		if name != "" && !slices.ContainsFunc(rel.Columns, func(c pgoutput.Column) bool { return c.Name == name }) {
			rel.Columns = append(rel.Columns, pgoutput.Column{Name: name, TypeOID: oid, TypeMod: -1})
		}
	}
	add(m.Timestamp, oidTimestamptz)
	add(m.Partition, oidInt8)
	for _, name := range []string{m.ID, m.Key, m.Value} {
		add(name, oidText)
	}
	for _, p := range m.Topic {
		add(p.Column, oidText)
	}
	for _, h := range m.Headers {
		add(h.Column, oidText)
	}
	n := len(rel.Columns)
	all := &messages{relation: rel, types: make([]uint32, n), seen: make([]bool, n), row: make(pgoutput.Tuple, n)}
	all.take = all.member
	return all
}

// RouteMessage is Route for an event that was written by pg_logical_emit_message:
// a JSON object in UTF-8 of column names and texts. Strings, numbers, true and
// false are their text, {"hex": "00ff"} is bytes, null or a missing name is NULL.
// The payload is such a string and is not looked into.
//
// The only error is a *Rejection: content in another form is one too, with the
// content as the value of the record that comes with it.
func (r *Router) RouteMessage(content []byte, commitTime time.Time, pos Position) (*Record, error) {
	ins, fault := r.messages.insert(content)
	if fault == "" {
		rec, err := r.Route(ins, commitTime, pos)
		value, wrong := errors.AsType[*ValueError](err)
		if !wrong {
			return rec, err
		}
		fault = "column " + value.Column + ": " + value.Text
	}
	return r.malformed(content, fault, commitTime, pos)
}

// malformed is the verdict on content that is no event.
func (r *Router) malformed(content []byte, fault string, commitTime time.Time, pos Position) (*Record, error) {
	r.reset()
	rec := &r.record
	for i := range rec.Headers {
		rec.Headers[i].Value = nil
	}
	r.setPosition(pos)
	rec.Topic, rec.Key, rec.Value, rec.Timestamp, rec.Partition = "", nil, content, commitTime.UnixMilli(), -1
	return rec, &Rejection{
		Reason: ReasonMessage, unfinished: true,
		Text: "the content of the message is not an event: " + fault + `; want a JSON object of column names and texts, as pkg/outbox Emit writes`,
	}
}

// insert reads a message as the insert of a row. fault says what is wrong with it,
// and never shows content.
func (m *messages) insert(content []byte) (ins *pgoutput.Insert, fault string) {
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
	m.scanner = scanner{b: content, scratch: m.scratch}
	s := &m.scanner
	s.object(m.take)
	m.scratch = s.scratch
	if s.fault != "" {
		return nil, s.fault
	}
	m.retype()
	m.inserted = pgoutput.Insert{Relation: m.relation, Row: m.row}
	return &m.inserted, ""
}

// member takes one member of the object.
func (m *messages) member(s *scanner, name []byte) {
	i := slices.IndexFunc(m.relation.Columns, func(c pgoutput.Column) bool { return c.Name == string(name) })
	text, kind := s.value()
	if i < 0 || s.fault != "" {
		return
	}
	column := &m.relation.Columns[i]
	fixed := column.TypeOID == oidTimestamptz || column.TypeOID == oidInt8
	switch {
	case m.seen[i]:
		s.fail("column " + column.Name + " is there twice")
	case kind == jsonNull:
	case kind == jsonBytes && fixed:
		s.fail("column " + column.Name + " has bytes")
	case kind == jsonBytes:
		m.row[i], m.types[i] = pgoutput.Value{Kind: pgoutput.Text, Data: text}, oidBytea
	case fixed:
		m.row[i] = pgoutput.Value{Kind: pgoutput.Text, Data: sqlMoment(text, column.TypeOID)}
	default:
		m.row[i], m.types[i] = pgoutput.Value{Kind: pgoutput.Text, Data: text}, oidText
	}
	m.seen[i] = true
}

// sqlMoment turns the ISO form of a timestamp into Postgres', in which the router
// reads it. Other texts stay.
func sqlMoment(text []byte, oid uint32) []byte {
	const date = len("2006-01-02")
	if oid != oidTimestamptz || len(text) <= date {
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

// retype gives the relation the types of the message at hand. A plan goes by the
// relation's pointer, so it is another one only when a column has changed between
// text and bytes.
func (m *messages) retype() {
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
