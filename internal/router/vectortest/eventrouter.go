package vectortest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
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

// Mapping returns the mapping of the case. The reason is "" when walpost is to make the
// same record, or, where Debezium fails, to refuse the row too.
func (e *EventRouter) Mapping() (m router.Mapping, reason string) {
	m, reason = Mapping(e.Config)
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
	case e.defaultInsteadOfNull():
		reason = "Debezium publishes the column's default for NULL; walpost publishes NULL"
	case e.emptyTopic():
		reason = "a column of the topic is empty: walpost rejects the row"
	}
	return m, reason
}

func (e *EventRouter) emptyTopic() bool {
	return e.Error == "" && strings.HasSuffix(e.Topic, ".") && e.Config["route.topic.replacement"] == ""
}

// defaultInsteadOfNull reports whether a header has a value where the row has none.
func (e *EventRouter) defaultInsteadOfNull() bool {
	for _, h := range e.headers() {
		if f, ok := e.After[h.Name]; ok && f.null() && h.Value != nil {
			return true
		}
	}
	return false
}

// Record is the record Debezium made, in the form of the converters that walpost
// stands for: bytes as bytes, all else as text, headers by SimpleHeaderConverter.
func (e *EventRouter) Record() (Record, error) {
	r := Record{Topic: e.Topic, Partition: e.Partition, Timestamp: &e.Timestamp, Headers: e.headers()}
	var err error
	if r.Key, err = converted(e.Key); err != nil {
		return r, fmt.Errorf("%s: key: %w", e.Case, err)
	}
	if r.Value, err = converted(e.Value); err != nil {
		return r, fmt.Errorf("%s: value: %w", e.Case, err)
	}
	return r, nil
}

func (e *EventRouter) headers() []record.Header {
	var headers []record.Header
	for _, h := range e.Headers["SimpleHeaderConverter"] {
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

// converted returns the bytes by ByteArrayConverter where it has some, else those by
// StringConverter.
func converted(by map[string]json.RawMessage) ([]byte, error) {
	var bytes struct {
		Base64 []byte `json:"base64"`
	}
	if err := json.Unmarshal(by["ByteArrayConverter"], &bytes); err == nil && bytes.Base64 != nil {
		return bytes.Base64, nil
	}
	var text *string
	if err := json.Unmarshal(by["StringConverter"], &text); err != nil {
		return nil, err
	}
	if text == nil {
		return nil, nil
	}
	return []byte(*text), nil
}

// Insert returns the row as Postgres would send it. Columns come in the order of their
// names: the router must not care.
func (e *EventRouter) Insert() (*pgoutput.Insert, error) {
	return insert(e.After)
}
