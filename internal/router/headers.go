package router

import (
	"errors"
	"slices"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// headerColumn is a header whose value is the text of a column.
type headerColumn struct {
	column

	at int // in the headers of the layout
}

// layout is the headers of a record as they are without a row: names and constants. The id
// is the first one, and the position the last. A row sets the values of the others.
type layout struct {
	headers  []record.Header
	optional []bool // those that are left out where they have no value; nil: none is, and there are no members
	members  int    // where the members of the JSON column stand, before the header of that index
}

// layout returns the headers of a table that has the columns of these.
func (m *Mapping) layout(of []HeaderColumn) layout {
	var l layout
	add := func(h record.Header) { l.headers = append(l.headers, h) }
	add(record.Header{Name: idHeader})
	m.addTrace(&l)
	for _, h := range of {
		switch {
		case h.JSON:
			l.members = len(l.headers)
		case h.Column == "":
			add(record.Header{Name: h.Name, Value: []byte(h.Constant)})
		default:
			add(record.Header{Name: h.Name})
		}
	}
	if m.PositionHeader != "" {
		add(record.Header{Name: m.PositionHeader})
	}
	if l.members > 0 || l.optional != nil {
		l.optional = append(l.optional, make([]bool, len(l.headers)-len(l.optional))...)
	}
	return l
}

// optionally adds a header that only the records have that have a value for it.
func (l *layout) optionally(name string) {
	l.optional = append(l.optional, make([]bool, len(l.headers)-len(l.optional))...)
	l.headers, l.optional = append(l.headers, record.Header{Name: name}), append(l.optional, true)
}

// fixed reports whether every record has exactly these headers.
func (l *layout) fixed() bool { return l.optional == nil }

// has reports whether the file itself gives a header this name.
func (l *layout) has(name []byte) bool {
	for i := range l.headers {
		if l.headers[i].Name == string(name) {
			return true
		}
	}
	return false
}

// assemble appends the headers of a row to dst: those of the layout, and the members of the
// JSON column at their place.
func (l *layout) assemble(dst, members []record.Header) []record.Header {
	for i := range l.headers {
		if i == l.members {
			dst = append(dst, members...)
		}
		if !l.optional[i] || l.headers[i].Value != nil {
			dst = append(dst, l.headers[i])
		}
	}
	if l.members == len(l.headers) {
		dst = append(dst, members...)
	}
	return dst
}

// blank returns the headers of a record without a row.
func (m *Mapping) blank() []record.Header {
	l := m.layout(m.Headers)
	if l.fixed() {
		return l.headers
	}
	return l.assemble(nil, nil)
}

// headers finds the columns of the headers. A header whose column may be missing, and is, is
// not there.
func (s *resolver) headers(p *plan) {
	m := s.mapping
	there := slices.DeleteFunc(slices.Clone(m.Headers), func(h HeaderColumn) bool { return h.Column != "" && s.ignored(h.Column) })
	p.layout = m.layout(there)
	s.header(p, s.find(m.ID, keyID, asText), 0)
	at := 1
	if p.trace = s.find(m.Trace, keyTrace, asJSON); m.Trace != "" {
		at = m.behindTrace()
	}
	for _, h := range there {
		setting := keyHeaders + "." + h.Name
		if h.JSON {
			p.members = s.find(h.Column, setting, asJSON)
			continue
		}
		s.header(p, s.find(h.Column, setting, asText), at)
		at++
	}
}

// header notes the column of the header at a place of the layout; nil is a constant.
func (s *resolver) header(p *plan, c *column, at int) {
	if c = s.encoded(c, s.mapping.Format.Headers); c != nil {
		p.headers = append(p.headers, headerColumn{*c, at})
	}
}

// setHeaders sets the headers of the record.
func (r *Router) setHeaders(p *plan, row pgoutput.Tuple, pos record.Position) error {
	var err error
	headers := p.layout.headers
	for i := range p.headers {
		h := &p.headers[i]
		if headers[h.at].Value, err = r.text(p, &h.column, row); err != nil {
			return err
		}
	}
	if !p.layout.fixed() {
		if err := errors.Join(r.readMembers(p, row), r.setTrace(p, row)); err != nil {
			return err
		}
		r.assembled = p.layout.assemble(r.assembled[:0], r.members.headers)
		headers = r.assembled
	}
	r.record.Headers = headers
	r.setPosition(pos)
	return nil
}

// setPosition sets the header of the position.
func (r *Router) setPosition(pos record.Position) {
	if r.mapping.PositionHeader == "" {
		return
	}
	start := len(r.scratch)
	r.scratch = pos.Append(r.scratch)
	r.record.Headers[len(r.record.Headers)-1].Value = r.since(start)
}
