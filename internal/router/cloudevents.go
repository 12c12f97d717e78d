package router

import (
	"slices"
	"strings"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// CloudEvents makes each record an event of CloudEvents 1.0, in the binary content mode of
// its Kafka binding: the value stays as it is, and headers have the attributes.
type CloudEvents struct {
	Source string // of records that have no header of it
}

// Attributes as headers, and what they are made from.
const (
	attributePrefix = "ce_"
	ceSpecVersion   = "ce_specversion"
	ceID            = "ce_id"
	ceType          = "ce_type"
	ceSource        = "ce_source"
	ceTime          = "ce_time"
	ceSubject       = "ce_subject"
	contentType     = "content-type"
	eventType       = "eventType"
)

// setCloudEvent sets the attributes behind the headers that the record has. A row without a
// required one is rejected.
func (r *Router) setCloudEvent(p *plan, row pgoutput.Tuple, rejected *record.Rejection) *record.Rejection {
	event := r.mapping.CloudEvents
	if event == nil {
		return rejected
	}
	own := r.record.Headers
	r.event = slices.DeleteFunc(append(r.event[:0], own...), isNoAttribute)
	r.attribute(ceSpecVersion, []byte("1.0"))
	r.attribute(ceID, own[0].Value)
	r.attribute(ceType, headerValue(own, eventType))
	r.attribute(ceSource, []byte(event.Source))
	start := len(r.scratch)
	r.scratch = time.UnixMilli(r.record.Timestamp).UTC().AppendFormat(r.scratch, "2006-01-02T15:04:05.000Z")
	r.attribute(ceTime, r.since(start))
	if p.key == nil || p.key.typeOf(p.relation) != debezium.OIDBytea {
		r.attribute(ceSubject, r.subject(p, row))
	}
	if oid := p.value.typeOf(p.relation); p.value.json != nil || oid == debezium.OIDJSON || oid == debezium.OIDJSONB {
		r.attribute(contentType, []byte("application/json"))
	}
	r.record.Headers = r.event
	for _, name := range []string{ceID, ceType, ceSource} {
		if rejected == nil && len(headerValue(r.event, name)) == 0 {
			rejected = &record.Rejection{
				Reason: record.ReasonCloudEvent,
				Text:   "the event of CloudEvents has no " + name + ": write its column, or change outbox.headers",
			}
		}
	}
	return rejected
}

// subject returns the key as text, whatever the format of the record's key is.
func (r *Router) subject(p *plan, row pgoutput.Tuple) []byte {
	if p.key == nil || p.key.json == nil {
		return r.record.Key
	}
	text, _ := r.plain(p, p.key, row[p.key.index]) // the record has a key of this value: there is no error
	return text
}

// attribute appends a header, unless it has no value or the record has one of this name.
func (r *Router) attribute(name string, value []byte) {
	is := func(h record.Header) bool { return h.Name == name }
	if len(value) > 0 && !slices.ContainsFunc(r.event, is) {
		r.event = append(r.event, record.Header{Name: name, Value: value})
	}
}

// isNoAttribute reports whether a header of the row has no place in an event: an optional
// attribute without a value, or one that the router makes.
func isNoAttribute(h record.Header) bool {
	switch h.Name {
	case contentType:
		return len(h.Value) == 0
	case ceType, ceSource: // without a value no event: the row did not say which it is
		return false
	}
	return strings.HasPrefix(h.Name, attributePrefix) &&
		(len(h.Value) == 0 || h.Name == ceID || h.Name == ceSpecVersion || h.Name == ceTime)
}

func headerValue(headers []record.Header, name string) []byte {
	for i := range headers {
		if headers[i].Name == name {
			return headers[i].Value
		}
	}
	return nil
}

// typeOf returns the type of the column in its table.
func (c *column) typeOf(rel *pgoutput.Relation) uint32 { return rel.Columns[c.index].TypeOID }
