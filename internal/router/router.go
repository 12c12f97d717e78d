// Package router turns an outbox row into a Kafka record, with the bytes of
// Debezium's Outbox Event Router.
//
// It is pure: it knows pgoutput's relations and tuples and the column mapping,
// and neither I/O nor time nor any Kafka library. It parses a payload only to expand it.
package router

import (
	"fmt"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/connect"
	"github.com/walpost/walpost/internal/router/jsontext"
	"github.com/walpost/walpost/internal/router/message"
	"github.com/walpost/walpost/internal/router/tracecontext"
	"github.com/walpost/walpost/internal/safetext"
)

// idHeader is the name of the event id's header, whatever its column is called.
const idHeader = "id"

// maxRowScratch is the largest scratch memory kept from one row to the next, so
// that one huge bytea does not stay in memory for ever.
const maxRowScratch = 1 << 20

// Router turns inserts into the outbox into records. Build it with New. It is
// not safe for concurrent use: it reuses its memory at every row.
type Router struct {
	mapping  Mapping
	topics   topics
	messages *message.Reader
	plans    map[uint32]*plan // by OID of the relation
	last     *plan            // plan of the row before
	scratch  []byte           // converted texts of this row
	record   record.Record
	blank    []record.Header // of a record without a row

	list      []byte // the key of this row, of several columns
	keyMember keyMember
	event     []record.Header // of this row, where it is an event of CloudEvents
	scanner   jsontext.Scanner
	members   members
	traces    tracecontext.Reader
	assembled []record.Header   // of this row, where the headers vary
	refused   *record.Rejection // what of this row can never be part of a record; nil: nothing

	discarded     pgoutput.Value // the first column of this row that was not kept
	discardedName string

	facts    Facts
	expander *connect.Expander // nil: payloads are not expanded
	route    []byte            // what the topic of this row is made from
}

// New returns a Router. It fails when the mapping contradicts itself.
func New(m Mapping) (*Router, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	names, err := newTopics(&m)
	if err != nil {
		return nil, err
	}
	r := &Router{
		mapping:  m,
		topics:   names,
		messages: message.NewReader(messageColumns(&m)),
		plans:    make(map[uint32]*plan),
		blank:    m.blank(),
	}
	if f := &m.Format; f.ExpandJSON {
		r.expander = connect.NewExpander(m.Value, f.KeepNull, f.KeepEmptyArray)
	}
	return r, nil
}

// Route turns one row into a record. commitTime is the commit time of its
// transaction, pos its place in the stream.
//
// The record is the router's own, and is overwritten by the next call; its value
// aliases the row wherever the bytes of the row are those of the record.
//
// Errors:
//   - ErrLeftOut: the row is no event.
//   - *Rejection: the row can never become a record. The record comes with it as
//     far as it could be made, with the commit time for a timestamp and no
//     partition where those were wrong, so that it can become a dead letter.
//   - *SchemaError: the table as it was at this row lacks a column, or a column
//     has a type that cannot serve. No other row of this table can be routed.
//   - *ValueError: a value is not in the form Postgres gives it under the
//     settings that every session of walpost has (postgres.SessionSettings).
//
// Only a *Rejection comes with a record.
func (r *Router) Route(ins *pgoutput.Insert, commitTime time.Time, pos record.Position) (*record.Record, error) {
	p, err := r.planFor(ins)
	if err != nil {
		return nil, err
	}
	if len(p.filter) > 0 {
		if err := p.leftOut(ins.Row); err != nil {
			return nil, err
		}
	}
	r.reset()
	if err := r.fill(p, ins.Row, pos); err != nil {
		return nil, err
	}

	// Everything that can reject comes last, so that a rejected record is whole.
	topic, rejection, err := r.topic(p, ins.Row)
	if err != nil {
		return nil, err
	}
	r.record.Topic = topic
	if rejection == nil {
		rejection = r.refused
	}
	rejection, err = r.setTimestampAndPartition(p, ins.Row, commitTime, rejection)
	if err != nil {
		return nil, err
	}
	rejection = r.setCloudEvent(p, ins.Row, rejection)
	if rejection == nil {
		rejection = r.checkSize()
	}
	if rejection != nil {
		rejection.ID = safetext.TruncateName(r.id(p, ins.Row))
		rejection.Topic = topic
		rejection.Lacks = r.lacks()
		return &r.record, rejection
	}
	return &r.record, nil
}

// planFor returns the plan of a row.
func (r *Router) planFor(ins *pgoutput.Insert) (*plan, error) {
	p, err := r.plan(ins.Relation)
	if err != nil {
		return nil, err
	}
	if len(ins.Row) != len(ins.Relation.Columns) {
		return nil, fmt.Errorf("relation %s: row of %d values for %d columns", relationName(ins.Relation), len(ins.Row),
			len(ins.Relation.Columns))
	}
	if len(p.required) > 0 && r.unlearn(p, ins.Row) {
		return r.plan(ins.Relation)
	}
	return p, nil
}

// reset forgets the row before.
func (r *Router) reset() {
	if cap(r.scratch) > maxRowScratch {
		r.scratch = nil
	}
	if cap(r.list) > maxRowScratch {
		r.list = nil
	}
	r.scratch = r.scratch[:0]
	r.discarded.Size = 0
	r.refused = nil
}

// fill sets key, value and headers.
func (r *Router) fill(p *plan, row pgoutput.Tuple, pos record.Position) error {
	var err error
	if r.record.Key, err = r.key(p, row); err != nil {
		return err
	}
	if r.record.Value, err = r.value(p, row); err != nil {
		return err
	}
	return r.setHeaders(p, row, pos)
}

// text returns the text of a column in this row, nil for NULL and for no column. Bytes
// that need no conversion are not touched: they alias the row.
func (r *Router) text(p *plan, c *column, row pgoutput.Tuple) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	v := row[c.index]
	if c.json != nil {
		return r.json(p, c, v)
	}
	return r.plain(p, c, v)
}

// plain is text for a column that is written as text.
func (r *Router) plain(p *plan, c *column, v pgoutput.Value) ([]byte, error) {
	switch {
	case v.Kind == pgoutput.Null:
		return nil, nil
	case v.Kind == pgoutput.Discarded:
		return r.discard(c, v), nil
	case v.Kind != pgoutput.Text:
		return nil, p.valueError(c, fmt.Sprintf("sent as kind %q, want text", v.Kind))
	case c.conversion.Verbatim():
		if v.Data == nil {
			return []byte{}, nil
		}
		return v.Data, nil
	}
	start := len(r.scratch)
	scratch, ok := c.conversion.Append(r.scratch, v.Data)
	if !ok {
		return nil, p.valueError(c, "text not in the form expected of "+c.conversion.String())
	}
	r.scratch = scratch
	return r.since(start), nil
}

// id returns the event's id as text, for people.
func (r *Router) id(p *plan, row pgoutput.Tuple) []byte {
	c := &p.headers[0].column
	if c.json == nil {
		return r.record.Headers[0].Value
	}
	id, err := r.plain(p, c, row[c.index])
	if err != nil {
		return nil
	}
	return id
}

// since returns what was appended to the scratch memory after start. Its capacity ends
// there, so that an append by a reader cannot reach what follows.
func (r *Router) since(start int) []byte {
	if len(r.scratch) == start {
		return []byte{}
	}
	return r.scratch[start:len(r.scratch):len(r.scratch)]
}
