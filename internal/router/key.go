package router

import (
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/jsontext"
)

// keyMember reads one member of a JSON object.
type keyMember struct {
	name  string
	value []byte
	take  func(*jsontext.Scanner, []byte) // member, made once
}

// member takes one member of the object. Of a name that is there twice the last one counts,
// as in jsonb.
func (m *keyMember) member(s *jsontext.Scanner, name []byte) {
	if value, _ := s.Value(); string(name) == m.name {
		m.value = value
	}
}

// key finds the columns of the key.
func (s *resolver) key(p *plan) {
	m := s.mapping
	p.key = s.encoded(s.find(m.Key, keyKey, asBytes), m.Format.Key)
	for _, name := range m.KeyColumns {
		if c := s.find(name, keyKey, asText); c != nil {
			p.keys = append(p.keys, c)
		}
	}
	p.keyObject = s.find(m.KeyJSON, keyKey, asJSON)
}

// key returns the key of a record; nil: it has none.
func (r *Router) key(p *plan, row pgoutput.Tuple) ([]byte, error) {
	switch {
	case p.keyObject != nil:
		return r.memberKey(p, row)
	case p.keys != nil:
		return r.listKey(p, row)
	default:
		return r.text(p, p.key, row)
	}
}

// listKey returns the texts of the columns as a JSON array, nil when all are NULL.
func (r *Router) listKey(p *plan, row pgoutput.Tuple) ([]byte, error) {
	some := false
	r.list = append(r.list[:0], '[')
	for i, c := range p.keys {
		text, err := r.text(p, c, row)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			r.list = append(r.list, ',')
		}
		if text == nil {
			r.list = append(r.list, "null"...)
			continue
		}
		some = true
		r.list = jsontext.AppendString(r.list, text)
	}
	r.list = append(r.list, ']')
	if !some || r.discarded.Size > 0 {
		return nil, nil
	}
	return r.list, nil
}

// memberKey returns a member of the JSON object in a column, nil when it is not there. A row
// whose column is no object has no key, and is rejected.
func (r *Router) memberKey(p *plan, row pgoutput.Tuple) ([]byte, error) {
	object, err := r.object(p, p.keyObject, row)
	if object == nil || err != nil {
		return nil, err
	}
	m := &r.keyMember
	if m.take == nil {
		m.name, m.take = r.mapping.KeyMember, m.member
	}
	m.value = nil
	s := &r.scanner
	*s = jsontext.New(object, r.scratch)
	s.Object(m.take)
	r.scratch = s.Scratch()
	if fault := s.Fault(); fault != "" {
		column := p.keyObject.name
		r.refuse(&record.Rejection{
			Reason: record.ReasonKey, Column: column, Lacks: "key of column " + column,
			Text: "column " + column + " has no key: " + fault + "; want a JSON object, or NULL: write the column, or change " + keyKey,
		})
		return nil, nil
	}
	return m.value, nil
}
