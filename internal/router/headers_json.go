package router

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/jsontext"
)

// What a row may ask of headers: each costs memory in the queue, and to every consumer.
const (
	maxMembers    = 1000
	maxHeaderName = 255
)

// maxHeaderNames bounds the memory of names that were seen.
const maxHeaderNames = 1024

// members reads the members of a JSON object as headers. It reuses its memory at every row.
type members struct {
	headers []record.Header
	seen    int
	taken   *layout                         // of which no member may take a name
	take    func(*jsontext.Scanner, []byte) // member, made once
	names   map[string]string               // so that equal names share one string
}

// object returns the JSON object in a column of this row, nil when there is none: the column is
// NULL, JSON's null, or was not kept.
func (r *Router) object(p *plan, c *column, row pgoutput.Tuple) ([]byte, error) {
	v := row[c.index]
	switch v.Kind {
	case pgoutput.Null:
		return nil, nil
	case pgoutput.Discarded:
		return r.discard(c, v), nil
	case pgoutput.Text:
		if jsontext.IsNull(v.Data) {
			return nil, nil
		}
		return v.Data, nil
	default:
		return nil, p.valueError(c, fmt.Sprintf("sent as kind %q, want text", v.Kind))
	}
}

// readMembers reads the headers in the JSON column of a row, if the mapping has one. A row
// whose column is no such object gets none of them, and is rejected.
func (r *Router) readMembers(p *plan, row pgoutput.Tuple) error {
	m := &r.members
	m.headers, m.seen, m.taken = m.headers[:0], 0, &p.layout
	if p.members == nil {
		return nil
	}
	object, err := r.object(p, p.members, row)
	if object == nil || err != nil {
		return err
	}
	if m.take == nil {
		m.take, m.names = m.member, make(map[string]string)
	}
	s := &r.scanner
	*s = jsontext.New(object, r.scratch)
	s.Object(m.take)
	r.scratch = s.Scratch()
	if fault := s.Fault(); fault != "" {
		m.headers = m.headers[:0]
		r.refuse(&record.Rejection{
			Reason: record.ReasonHeaders, Column: p.members.name, Lacks: "headers of column " + p.members.name,
			Text: "column " + p.members.name + " has no headers: " + fault + "; want a JSON object of names and values, or NULL: " +
				"write the column, or change " + p.members.setting,
		})
	}
	return nil
}

// refuse notes that the row is rejected, unless it was before.
func (r *Router) refuse(why *record.Rejection) {
	if r.refused == nil {
		r.refused = why
	}
}

// member takes one member of the object.
func (m *members) member(s *jsontext.Scanner, name []byte) {
	value, _ := s.Value()
	m.seen++
	switch {
	case s.Fault() != "":
	case m.seen > maxMembers:
		s.Fail("it has more than " + strconv.Itoa(maxMembers) + " members")
	case len(name) == 0:
		s.Fail("the name of member " + strconv.Itoa(m.seen) + " is empty")
	case len(name) > maxHeaderName:
		s.Fail("the name of member " + strconv.Itoa(m.seen) + " is longer than " + strconv.Itoa(maxHeaderName) + " bytes")
	case bytes.HasPrefix(name, []byte(dlt.HeaderPrefix)):
		s.Fail("the name of member " + strconv.Itoa(m.seen) + " begins with " + dlt.HeaderPrefix + ", as those of dead letters do")
	case !m.taken.has(name):
		m.headers = append(m.headers, record.Header{Name: m.name(name), Value: value})
	}
}

// name returns the name as a string, which is made once.
func (m *members) name(b []byte) string {
	if known, ok := m.names[string(b)]; ok {
		return known
	}
	if len(m.names) >= maxHeaderNames {
		clear(m.names)
	}
	name := string(b)
	m.names[name] = name
	return name
}
