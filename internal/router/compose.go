package router

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/connect"
	"github.com/walpost/walpost/internal/router/debezium"
)

// payloadMember is the name of the payload in an envelope.
const payloadMember = "payload"

// composition is what is made of the payload: a struct, an envelope, nothing at all. A
// value that is a column by itself has none.
type composition struct {
	column    *connect.Column   // the payload as Kafka Connect sees it
	expander  *connect.Expander // nil: the payload is not expanded
	tombstone bool              // where the payload is empty
	version   *column           // of the envelope's schema; nil: none
	members   []member          // of the envelope, behind the payload
	enveloped bool

	schemas bool   // the schema stands before the value
	payload []byte // schema of the payload that is not expanded
	fields  []byte // schemas of the members
	name    []byte // of the envelope's schema, up to the routed value
	route   []topicPart
}

// member is a column in an envelope.
type member struct {
	column

	name []byte // ,"name":
}

// compose makes the plan of the value.
func (s *resolver) compose(p *plan, expander *connect.Expander) {
	f := &s.mapping.Format
	if !f.composes() || p.value == nil {
		return
	}
	c := &composition{
		column:    s.connect(p.value),
		tombstone: f.TombstoneOnNull, schemas: f.Value == EncodingJSONSchema, enveloped: len(f.Envelope) > 0,
	}
	if f.Value != EncodingText {
		c.expander = expander
	}
	payloadName := ""
	if c.enveloped {
		payloadName = payloadMember
	}
	c.payload = c.column.AppendSchema(nil, payloadName)
	for _, e := range f.Envelope {
		s.member(c, e)
	}
	if c.enveloped && c.schemas {
		if c.route = p.topic; len(f.Route) > 0 {
			c.route = s.topic(f.Route)
		}
		c.version = s.find(f.SchemaVersion, keySchemaVersion, asPartition)
		c.name, _ = debezium.AppendEscaped(nil, []byte(f.TopicPrefix+"."+relationName(s.relation)+"."))
	}
	p.composed = c
}

// member adds a column to an envelope.
func (s *resolver) member(c *composition, e EnvelopeColumn) {
	found := s.findOptional(e.Column, keyEnvelope+"."+e.Name, asBytes)
	if found == nil {
		return
	}
	found.json = s.connect(found)
	name, _ := debezium.AppendString([]byte{','}, []byte(e.Name))
	c.members = append(c.members, member{column: *found, name: append(name, ':')})
	c.fields = found.json.AppendSchema(append(c.fields, ','), e.Name)
}

// value returns the record's value.
func (r *Router) value(p *plan, row pgoutput.Tuple) ([]byte, error) {
	c := p.composed
	if c == nil {
		return r.text(p, p.value, row)
	}
	v := row[p.value.index]
	switch {
	case v.Kind == pgoutput.Discarded:
		return r.discard(p.value, v), nil
	case v.Kind != pgoutput.Text && v.Kind != pgoutput.Null:
		return nil, p.valueError(p.value, fmt.Sprintf("sent as kind %q, want text", v.Kind))
	case c.tombstone && c.column.Empty(v.Data, v.Kind == pgoutput.Null):
		return nil, nil
	case r.mapping.Format.Value == EncodingText || c.expander == nil && !c.enveloped:
		return r.text(p, p.value, row)
	}
	if c.schemas && c.enveloped {
		if err := r.readRoute(p, row); err != nil {
			return nil, err
		}
	}
	start := len(r.scratch)
	if err := r.appendComposed(p, c, row, v); err != nil {
		return nil, err
	}
	return r.since(start), nil
}

// appendComposed appends the value to the scratch memory.
func (r *Router) appendComposed(p *plan, c *composition, row pgoutput.Tuple, v pgoutput.Value) error {
	expanded := c.expander != nil && c.column.Text() && v.Kind == pgoutput.Text && c.expander.Expand(v.Data)
	if c.schemas {
		r.scratch = append(r.scratch, `{"schema":`...)
		if err := r.appendComposedSchema(p, c, row, expanded); err != nil {
			return err
		}
		r.scratch = append(r.scratch, `,"payload":`...)
	}
	if c.enveloped {
		r.scratch = append(r.scratch, `{"payload":`...)
	}
	if expanded {
		r.scratch = c.expander.AppendValue(r.scratch)
	} else if err := r.appendJSON(p, p.value, c.column, v); err != nil {
		return err
	}
	if c.enveloped {
		if err := r.appendMembers(p, c, row); err != nil {
			return err
		}
	}
	if c.schemas {
		r.scratch = append(r.scratch, '}')
	}
	return nil
}

// appendMembers appends what stands behind the payload in an envelope.
func (r *Router) appendMembers(p *plan, c *composition, row pgoutput.Tuple) error {
	for i := range c.members {
		m := &c.members[i]
		r.scratch = append(r.scratch, m.name...)
		if err := r.appendJSON(p, &m.column, m.json, row[m.index]); err != nil {
			return err
		}
	}
	r.scratch = append(r.scratch, '}')
	return nil
}

// appendComposedSchema appends the schema of the value.
func (r *Router) appendComposedSchema(p *plan, c *composition, row pgoutput.Tuple, expanded bool) error {
	payloadName := ""
	if c.enveloped {
		payloadName = payloadMember
		r.scratch = append(r.scratch, `{"type":"struct","fields":[`...)
	}
	if expanded {
		r.scratch = c.expander.AppendSchema(r.scratch, payloadName)
	} else {
		r.scratch = append(r.scratch, c.payload...)
	}
	if !c.enveloped {
		return nil
	}
	r.scratch = append(append(r.scratch, c.fields...), `],"optional":false,"name":"`...)
	r.scratch = append(append(r.scratch, c.name...), r.route...)
	r.scratch = append(r.scratch, `.Value"`...)
	if c.version != nil {
		if err := r.appendVersion(p, c.version, row); err != nil {
			return err
		}
	}
	r.scratch = append(r.scratch, '}')
	return nil
}

// readRoute reads the value that the topic is made from, as it stands in a string of JSON: of
// a template with several columns, or with none, all of it.
func (r *Router) readRoute(p *plan, row pgoutput.Tuple) error {
	columns := 0
	for i := range p.composed.route {
		if p.composed.route[i].column != nil {
			columns++
		}
	}
	r.route = r.route[:0]
	for i := range p.composed.route {
		text := []byte(p.composed.route[i].literal)
		if c := p.composed.route[i].column; c != nil {
			var err error
			if text, err = r.text(p, c, row); err != nil {
				return err
			}
		} else if columns == 1 {
			continue
		}
		var ok bool
		if r.route, ok = debezium.AppendEscaped(r.route, text); !ok {
			r.reject(p.value, debezium.ErrUTF8)
		}
	}
	return nil
}

// appendVersion appends the version of the envelope's schema. NULL is none.
func (r *Router) appendVersion(p *plan, c *column, row pgoutput.Tuple) error {
	v := row[c.index]
	if v.Kind == pgoutput.Null {
		return nil
	}
	n, ok := debezium.ParseInt(v.Data)
	if v.Kind != pgoutput.Text || !ok {
		return p.valueError(c, "text not in the form expected of an integer")
	}
	r.scratch = strconv.AppendInt(append(r.scratch, `,"version":`...), n, 10)
	return nil
}

// json returns a column as JSON.
func (r *Router) json(p *plan, c *column, v pgoutput.Value) ([]byte, error) {
	if v.Kind == pgoutput.Discarded {
		return r.discard(c, v), nil
	}
	start := len(r.scratch)
	r.scratch = append(r.scratch, c.prefix...)
	if err := r.appendJSON(p, c, c.json, v); err != nil {
		return nil, err
	}
	if len(c.prefix) > 0 {
		r.scratch = append(r.scratch, '}')
	}
	return r.since(start), nil
}

// appendJSON appends the value of a column. One that JSON has no form for rejects the row:
// null takes its place.
func (r *Router) appendJSON(p *plan, c *column, as *connect.Column, v pgoutput.Value) error {
	switch v.Kind {
	case pgoutput.Null:
		r.scratch = as.AppendNull(r.scratch)
		return nil
	case pgoutput.Text:
	case pgoutput.Discarded:
		r.discard(c, v)
		r.scratch = append(r.scratch, "null"...)
		return nil
	default:
		return p.valueError(c, fmt.Sprintf("sent as kind %q, want text", v.Kind))
	}
	start := len(r.scratch)
	scratch, err := as.AppendValue(r.scratch, v.Data)
	switch {
	case err == nil:
		r.scratch = scratch
		return nil
	case errors.Is(err, debezium.ErrForm):
		return p.valueError(c, "text not in the form expected of "+as.Kind())
	}
	r.reject(c, err)
	r.scratch = append(scratch[:start], "null"...)
	return nil
}

// reject notes that a column has a value that its format cannot have.
func (r *Router) reject(c *column, err error) {
	what := "a value that JSON has no form for, such as NaN"
	if errors.Is(err, debezium.ErrUTF8) {
		what = "a text that is not UTF-8"
	}
	r.refuse(&record.Rejection{
		Reason: record.ReasonFormat, Column: c.name, Lacks: "column " + c.name,
		Text: "column " + c.name + " (" + c.setting + ") has " + what + ": write the column, or change outbox.format",
	})
}
