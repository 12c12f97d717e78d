package router

import (
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// headerColumn is a header whose value is the text of a column.
type headerColumn struct {
	column

	at int // in the template of the plan
}

// template returns the headers of a record as they are without a row: names and constants.
// The id is the first one, and the position the last.
func (m *Mapping) template() []record.Header {
	headers := make([]record.Header, 0, len(m.Headers)+2)
	headers = append(headers, record.Header{Name: idHeader})
	for _, h := range m.Headers {
		header := record.Header{Name: h.Name}
		if h.Column == "" {
			header.Value = []byte(h.Constant)
		}
		headers = append(headers, header)
	}
	if m.PositionHeader != "" {
		headers = append(headers, record.Header{Name: m.PositionHeader})
	}
	return headers
}

// headers finds the columns of the headers.
func (s *resolver) headers(p *plan, m *Mapping) {
	p.template = m.template()
	s.header(p, m.ID, keyID, 0)
	for i, h := range m.Headers {
		s.header(p, h.Column, keyHeaders+"."+h.Name, i+1)
	}
}

// header finds the column of the header at a place of the template; "" is a constant.
func (s *resolver) header(p *plan, name, setting string, at int) {
	if c := s.find(name, setting, asText); c != nil {
		p.headers = append(p.headers, headerColumn{*c, at})
	}
}

// setHeaders sets the headers of the record.
func (r *Router) setHeaders(p *plan, row pgoutput.Tuple, pos record.Position) error {
	var err error
	for i := range p.headers {
		h := &p.headers[i]
		if p.template[h.at].Value, err = r.text(p, &h.column, row); err != nil {
			return err
		}
	}
	r.record.Headers = p.template
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
