package vectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
)

// contextPrefix begins the names of the headers that Debezium's connector sends
// about itself. walpost does not send them.
const contextPrefix = "__debezium.context."

// Golden is a whole run of Debezium on real servers: a table, statements, and the
// records in Kafka afterwards, in the order of the statements.
type Golden struct {
	Name       string            `json:"name"`
	Config     map[string]string `json:"config"`     // of the connector
	DDL        string            `json:"ddl"`        // creates the outbox
	Before     string            `json:"before"`     // run before the connector, and so the slot, was there; "" = nothing
	SQL        []string          `json:"sql"`        // run one by one while the connector runs
	Partitions int32             `json:"partitions"` // of each topic
	Records    []Record          `json:"records"`
	TaskFailed string            `json:"task_failed"` // the error that ended the task, "" = none
}

// Record is one record as Debezium wrote it, without its context headers.
type Record struct {
	Topic     string          `json:"topic"`
	Partition *int32          `json:"partition"` // nil: any
	Key       []byte          `json:"key_b64"`   // nil: no key
	Value     []byte          `json:"value_b64"` // nil: tombstone
	Headers   []record.Header `json:"-"`
	Timestamp *int64          `json:"timestamp"` // milliseconds; nil: Debezium's wall clock, walpost's commit time
}

// UnmarshalJSON reads a record and drops Debezium's context headers.
func (r *Record) UnmarshalJSON(data []byte) error {
	type plain Record
	raw := struct {
		*plain
		Headers [][2]any `json:"headers"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	for _, h := range raw.Headers {
		header, err := readHeader(h)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(header.Name, contextPrefix) {
			r.Headers = append(r.Headers, header)
		}
	}
	return nil
}

// readHeader reads [name, base64], or [name, null].
func readHeader(h [2]any) (record.Header, error) {
	name, ok := h[0].(string)
	if !ok {
		return record.Header{}, fmt.Errorf("header name %v is no text", h[0])
	}
	if h[1] == nil {
		return record.Header{Name: name}, nil
	}
	quoted, err := json.Marshal(h[1])
	if err != nil {
		return record.Header{}, err
	}
	header := record.Header{Name: name}
	return header, json.Unmarshal(quoted, &header.Value)
}

// ReadGolden reads golden.jsonl.
func ReadGolden(file string) ([]Golden, error) { return readLines[Golden](file) }

// Mapping returns the mapping of the case. The reason is "" when walpost is to write the
// same records, else it says why not.
func (g *Golden) Mapping() (m router.Mapping, reason string) {
	config := maps.Clone(g.Config)
	for _, option := range []string{"key.converter", "value.converter"} {
		if config[option] == "" { // the worker's
			config[option] = "org.apache.kafka.connect.json.JsonConverter"
		}
	}
	m, reason = Mapping(config)
	dropUseless(&m.Format)
	switch {
	case reason != "":
	case g.TaskFailed != "":
		reason = "Debezium's task fails at the last row"
	case g.byteBufferAsText():
		reason = "Debezium publishes the name of a Java object; walpost publishes the bytes of a bytea payload"
	case m.Format.ExpandJSON && m.Format.Value == router.EncodingText:
		reason = "Debezium publishes Java's form of a struct, `Struct{…}`; walpost refuses the combination"
	case g.emptyTopic(m):
		reason = "a column of the topic is empty: walpost rejects the row"
	}
	return m, reason
}

// Snapshot reports whether the rows of Before are published too.
func (g *Golden) Snapshot() bool { return g.Config["snapshot.mode"] == "initial" }

func (g *Golden) byteBufferAsText() bool {
	for i := range g.Records {
		if bytes.HasPrefix(g.Records[i].Value, []byte("java.nio.HeapByteBuffer")) {
			return true
		}
	}
	return false
}

// emptyTopic reports whether a record is in the topic that the template makes of an empty
// column.
func (g *Golden) emptyTopic(m router.Mapping) bool {
	var name strings.Builder
	for _, p := range m.Topic {
		name.WriteString(p.Literal)
	}
	for i := range g.Records {
		if g.Records[i].Topic == name.String() {
			return true
		}
	}
	return false
}

// readLines reads a file of one JSON document per line.
func readLines[T any](file string) ([]T, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var cases []T
	for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var c T
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}
