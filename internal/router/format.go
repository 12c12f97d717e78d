package router

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/router/connect"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// Encoding says with which of Kafka Connect's converters bytes are written.
type Encoding byte

// The encodings.
const (
	EncodingText       Encoding = iota // StringConverter, SimpleHeaderConverter
	EncodingJSON                       // JsonConverter, schemas.enable=false
	EncodingJSONSchema                 // JsonConverter, schemas.enable=true
)

// Format says how key, value and headers are written: the section `outbox.format`. The
// zero value writes texts.
type Format struct {
	Key, Value, Headers Encoding
	Binary              debezium.Binary

	ExpandJSON      bool             // the payload becomes a struct
	KeepNull        bool             // of an expanded payload: null_behavior: optional_bytes
	KeepEmptyArray  bool             // of an expanded payload: empty_array_behavior: optional_string
	Envelope        []EnvelopeColumn // beside the payload; empty: the value is the payload
	TombstoneOnNull bool             // tombstone_on_empty
	SchemaVersion   string           // column of the version of the envelope's schema; "" = none
	TopicPrefix     string           // in the name of the envelope's schema

	Route topicname.Template // of which the routed value is, in the name of the envelope's schema; empty: Mapping.Topic
}

// EnvelopeColumn is a member of the value beside the payload.
type EnvelopeColumn struct {
	Name   string
	Column string
}

// NeedsFacts reports whether records depend on what Learn takes.
func (f *Format) NeedsFacts() bool {
	return f.Key != EncodingText || f.Value != EncodingText || f.Headers != EncodingText
}

// composes reports whether a value is more than a column.
func (f *Format) composes() bool {
	return f.Value != EncodingText && (f.ExpandJSON || len(f.Envelope) > 0) || f.TombstoneOnNull
}

// validate is Mapping.validate for the format.
func (f *Format) validate() error {
	switch {
	case f.Value == EncodingText && f.ExpandJSON:
		return errors.New("outbox.format.expand_json: a text has no members")
	case f.Value == EncodingText && len(f.Envelope) > 0:
		return errors.New("outbox.format.envelope: a text has no members")
	case f.Value == EncodingJSONSchema && len(f.Envelope) > 0 && f.TopicPrefix == "":
		return errors.New("outbox.format.topic_prefix: no name for the schema of the envelope")
	}
	for i, e := range f.Envelope {
		same := func(other EnvelopeColumn) bool { return other.Name == e.Name }
		if e.Name == "" || e.Column == "" || e.Name == payloadMember || slices.ContainsFunc(f.Envelope[:i], same) {
			return fmt.Errorf("outbox.format.envelope: member %q of column %q", e.Name, e.Column)
		}
	}
	return nil
}

// Facts is what the catalogue knows of the table and the stream does not say.
type Facts struct {
	Columns map[string]connect.Facts     // by name
	Types   map[uint32]debezium.TypeInfo // of the columns, and what they are made from, by OID
}

// Learn takes what is known of the table now. Schemas of Kafka Connect say it, and so do
// values where NULL is the default. Of columns that it does not name nothing is known:
// they are optional and have no default.
func (r *Router) Learn(f Facts) {
	r.facts = Facts{Columns: maps.Clone(f.Columns), Types: f.Types}
	r.forget()
}

// forget drops all plans.
func (r *Router) forget() {
	clear(r.plans)
	r.last = nil
}

// unlearn takes back that columns have no NULL, where the row has one, and reports whether
// there were any: the table was another one when it was written.
func (r *Router) unlearn(p *plan, row pgoutput.Tuple) bool {
	changed := false
	for _, c := range p.required {
		if row[c.index].Kind != pgoutput.Null {
			continue
		}
		f := r.facts.Columns[c.name]
		f.NotNull = false
		r.facts.Columns[c.name] = f
		changed = true
	}
	if changed {
		r.forget()
	}
	return changed
}
