package vectortest

import (
	"encoding/json"
	"strings"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/connect"
)

// EventRouter is one row given to Debezium's EventRouter alone, and what it and
// Kafka Connect's converters made of it.
type EventRouter struct {
	Case   string            `json:"case"`
	Config map[string]string `json:"config"` // of the transform
	Op     string            `json:"op"`
	After  map[string]Field  `json:"after"` // the row
	Result string            `json:"result"`
	Error  string            `json:"error"`

	Topic     string                     `json:"topic"`
	Partition *int32                     `json:"partition"`
	Timestamp int64                      `json:"timestamp"`
	Key       map[string]json.RawMessage `json:"key"`   // by converter
	Value     map[string]json.RawMessage `json:"value"` // by converter
	Headers   map[string][][2]*string    `json:"headers"`
}

// Field is a column of the row, as Connect saw it.
type Field struct {
	Value  json.RawMessage `json:"value"`
	Schema string          `json:"schema"` // TYPE[:logical name][?], ? for optional
}

// ReadEventRouter reads eventrouter.jsonl.
func ReadEventRouter(file string) ([]EventRouter, error) { return readLines[EventRouter](file) }

// Variant is a case under one of Kafka Connect's converters for key, value and headers.
type Variant struct {
	Converter string
	Mapping   router.Mapping
	Record    Record
}

// Variants returns the case under each converter under which walpost is to make the same
// record, or, where Debezium fails, to refuse the row too. The reason is "" when there is one.
func (e *EventRouter) Variants() (list []Variant, reason string) {
	m, reason := Mapping(e.Config)
	switch {
	case reason != "":
	case e.Op != "c" || e.Result != "":
		reason = "no insert: the relay counts it and the router never sees it"
	case strings.Contains(e.Error, "is not of type STRING"):
		reason = "Debezium's task fails at a topic column that is not text; walpost uses its text"
	case strings.Contains(e.Error, "is not of type INT64"):
		reason = "Debezium's task fails at a timestamptz column; walpost reads it"
	case e.Timestamp < 0:
		reason = "a timestamp before 1970: walpost rejects the row"
	case e.emptyTopic():
		reason = "a column of the topic is empty: walpost rejects the row"
	}
	if reason != "" {
		return nil, reason
	}
	for _, c := range []struct {
		converter, headers string
		encoding           router.Encoding
	}{
		{"StringConverter", "SimpleHeaderConverter", router.EncodingText},
		{"JsonConverter(schemas.enable=false)", "JsonConverter(schemas.enable=false)", router.EncodingJSON},
		{"JsonConverter(schemas.enable=true)", "JsonConverter(schemas.enable=true)", router.EncodingJSONSchema},
	} {
		v := Variant{Converter: c.converter, Mapping: m}
		f := &v.Mapping.Format
		f.Key, f.Value, f.Headers = c.encoding, c.encoding, c.encoding
		dropUseless(f)
		if e.applies(&v) && e.record(&v, c.headers) {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		reason = "Debezium's task fails under JsonConverter; walpost publishes the payload as text"
	}
	return list, reason
}

// applies reports whether a mapping can be one of a configuration, and a text stays as it is:
// what walpost does not do under StringConverter is listed in docs/debezium.md.
func (e *EventRouter) applies(v *Variant) bool {
	f := &v.Mapping.Format
	return f.Value != router.EncodingText || !f.ExpandJSON && len(f.Envelope) == 0 && e.defaults() == nil
}

func (e *EventRouter) emptyTopic() bool {
	return e.Error == "" && strings.HasSuffix(e.Topic, ".") && e.Config["route.topic.replacement"] == ""
}

// record sets the record that Debezium made, and reports whether it made one, or was to fail.
func (e *EventRouter) record(v *Variant, headers string) bool {
	if e.Error != "" {
		return true
	}
	v.Record = Record{Topic: e.Topic, Partition: e.Partition, Timestamp: &e.Timestamp, Headers: e.headers(headers)}
	var ok1, ok2 bool
	v.Record.Key, ok1 = converted(e.Key, v.Converter)
	v.Record.Value, ok2 = converted(e.Value, v.Converter)
	return ok1 && ok2
}

func (e *EventRouter) headers(converter string) []record.Header {
	var headers []record.Header
	for _, h := range e.Headers[converter] {
		if strings.HasPrefix(*h[0], contextPrefix) {
			continue
		}
		header := record.Header{Name: *h[0]}
		if h[1] != nil {
			header.Value = []byte(*h[1])
		}
		headers = append(headers, header)
	}
	return headers
}

// converted returns the bytes by a converter: those of a bytea by ByteArrayConverter where
// that is StringConverter, which destroys them. It is false where the converter failed.
func converted(by map[string]json.RawMessage, converter string) ([]byte, bool) {
	var bytes struct {
		Base64 []byte `json:"base64"`
	}
	if converter == "StringConverter" {
		if err := json.Unmarshal(by["ByteArrayConverter"], &bytes); err == nil && bytes.Base64 != nil {
			return bytes.Base64, true
		}
	}
	var text *string
	if err := json.Unmarshal(by[converter], &text); err != nil {
		return nil, false
	}
	if text == nil {
		return nil, true
	}
	return []byte(*text), !strings.HasPrefix(*text, "ERROR ")
}

// Facts returns what the catalogue would know of the table.
func (e *EventRouter) Facts() router.Facts {
	columns := map[string]connect.Facts{}
	for name, f := range e.After {
		columns[name] = connect.Facts{NotNull: !strings.HasSuffix(f.Schema, "?")}
	}
	for name, value := range e.defaults() {
		columns[name] = connect.Facts{NotNull: columns[name].NotNull, Default: "'" + value + "'::text"}
	}
	return router.Facts{Columns: columns}
}

// defaults returns the defaults of columns: where a header has a value and the row has none.
func (e *EventRouter) defaults() map[string]string {
	var found map[string]string
	for _, h := range e.headers("SimpleHeaderConverter") {
		if f, ok := e.After[h.Name]; ok && f.null() && h.Value != nil {
			found = map[string]string{h.Name: string(h.Value)}
		}
	}
	return found
}

// Insert returns the row as Postgres would send it. Columns come in the order of their
// names: the router must not care.
func (e *EventRouter) Insert() (*pgoutput.Insert, error) {
	return insert(e.After)
}
