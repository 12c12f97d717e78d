package router

import "github.com/walpost/walpost/internal/router/connect"

// encoded returns the column as it is written: nil stays nil.
func (s *resolver) encoded(c *column, e Encoding) *column {
	if c == nil || e == EncodingText {
		return c
	}
	c.json = s.connect(c)
	if e == EncodingJSONSchema {
		c.prefix = append(c.json.AppendSchema([]byte(`{"schema":`), ""), `,"payload":`...)
	}
	return c
}

// connect returns a column as Kafka Connect sees it.
func (s *resolver) connect(c *column) *connect.Column {
	col := s.relation.Columns[c.index]
	return connect.NewColumn(col.TypeOID, col.TypeMod, s.facts.Columns[c.name], s.mapping.Format.Binary, s.facts.Types)
}

// require notes the columns whose schemas say that there is no NULL.
func (p *plan) require(f *Format) {
	note := func(c *column, e Encoding) {
		if c != nil && c.json != nil && e == EncodingJSONSchema && c.json.Required() {
			p.required = append(p.required, c)
		}
	}
	note(p.key, f.Key)
	note(p.value, f.Value)
	for i := range p.headers {
		note(&p.headers[i].column, f.Headers)
	}
	if p.composed != nil {
		for i := range p.composed.members {
			note(&p.composed.members[i].column, f.Value)
		}
	}
}
