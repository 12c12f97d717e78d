package router

import (
	"errors"
	"slices"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// messageColumns returns the columns of the mapping, with the types that their use wants, so
// that a plan always fits.
func messageColumns(m *Mapping) []pgoutput.Column {
	var columns []pgoutput.Column
	add := func(name string, oid uint32) {
		if name != "" && !slices.ContainsFunc(columns, func(c pgoutput.Column) bool { return c.Name == name }) {
			columns = append(columns, pgoutput.Column{Name: name, TypeOID: oid, TypeMod: -1})
		}
	}
	add(m.KeyJSON, debezium.OIDJSON)
	for _, h := range m.Headers {
		if h.JSON {
			add(h.Column, debezium.OIDJSON)
		}
	}
	add(m.Timestamp, debezium.OIDTimestamptz)
	add(m.Partition, debezium.OIDInt8)
	add(m.Format.SchemaVersion, debezium.OIDInt8)
	for _, name := range append([]string{m.ID, m.Key, m.Value, m.Trace}, m.KeyColumns...) {
		add(name, debezium.OIDText)
	}
	for _, p := range m.Topic {
		add(p.Column, debezium.OIDText)
	}
	for _, h := range m.Headers {
		add(h.Column, debezium.OIDText)
	}
	for _, e := range m.Format.Envelope {
		add(e.Column, debezium.OIDText)
	}
	return columns
}

// RouteMessage is Route for an event that was written by pg_logical_emit_message:
// a JSON object in UTF-8 of column names and texts. Strings, numbers, true and
// false are their text, {"hex": "00ff"} is bytes, null or a missing name is NULL.
// The payload is such a string and is not looked into.
//
// The only error is a *Rejection: content in another form is one too, with the
// content as the value of the record that comes with it.
func (r *Router) RouteMessage(content []byte, commitTime time.Time, pos record.Position) (*record.Record, error) {
	ins, fault := r.messages.Insert(content)
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

// malformed returns the rejection of content that is not an event.
func (r *Router) malformed(content []byte, fault string, commitTime time.Time, pos record.Position) (*record.Record, error) {
	r.reset()
	rec := &r.record
	rec.Headers = r.blank
	r.setPosition(pos)
	rec.Topic, rec.Key, rec.Value, rec.Timestamp, rec.Partition = "", nil, content, commitTime.UnixMilli(), -1
	return rec, &record.Rejection{
		Reason: record.ReasonMessage, TopicIncomplete: true,
		Text: "the content of the message is not an event: " + fault +
			`; want a JSON object of column names and texts, as pkg/outbox Emit writes`,
	}
}
