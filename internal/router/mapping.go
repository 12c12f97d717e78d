package router

import (
	"errors"
	"fmt"
	"path"

	"github.com/walpost/walpost/internal/topicname"
)

// Mapping says which column becomes which part of a record: the section
// `outbox` of the configuration, and of `kafka` what can be judged without
// asking Kafka. Column names are exact, as in the catalogue.
type Mapping struct {
	Topic          topicname.Template // outbox.topic
	TopicRegex     string             // outbox.topic_regex, over what Topic makes; "" = that is the name
	Replacement    string             // outbox.topic_replacement
	ID             string             // outbox.id: the header `id`
	Key            string             // outbox.key, a column; "" = no key, or one of the next
	KeyColumns     []string           // outbox.key, a list of columns
	KeyJSON        string             // outbox.key, the column of an object, of which KeyMember is the key
	KeyMember      string
	Value          string             // outbox.value
	Timestamp      string             // outbox.timestamp; "" = commit time
	Partition      string             // outbox.partition; "" = by key
	Headers        []HeaderColumn     // outbox.headers, in this order after `id`
	PositionHeader string             // outbox.position_header; "" = none
	Trace          string             // outbox.trace, the column of the trace context; "" = none
	CloudEvents    *CloudEvents       // outbox.cloudevents; nil: records are none
	Allow          []string           // kafka.topics.allow, globs as path.Match reads them; empty = every topic
	DeadLetter     topicname.Template // delivery.dead_letter, whose topics no row may name
	MaxBytes       int64              // kafka.max_message_bytes; 0 = no limit
	Format         Format             // outbox.format
	IgnoreMissing  bool               // outbox.missing_columns: ignore
	Filter         []FilterColumn     // outbox.filter; empty = every row is an event
}

// HeaderColumn is a header whose value is the text of a column, or a constant; or all
// headers that the members of a JSON object are.
type HeaderColumn struct {
	Name     string // of no meaning with JSON but for errors
	JSON     bool   // the column has a JSON object
	Column   string // "": Constant
	Constant string
}

// validate refuses what cannot be a mapping. The configuration was checked before: this is
// for other callers.
func (m *Mapping) validate() error {
	switch {
	case len(m.Topic) == 0:
		return errors.New("outbox.topic: empty template")
	case m.ID == "":
		return errors.New("outbox.id: no column")
	case m.Value == "":
		return errors.New("outbox.value: no column")
	case m.MaxBytes < 0:
		return fmt.Errorf("kafka.max_message_bytes: %d is negative", m.MaxBytes)
	}
	if err := m.validateKey(); err != nil {
		return err
	}
	if !m.Topic.Valid() {
		return errors.New("outbox.topic: each part is a literal or a column")
	}
	for _, h := range m.Headers {
		if err := h.validate(); err != nil {
			return err
		}
	}
	for _, glob := range m.Allow {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("kafka.topics.allow: %q: %w", glob, err)
		}
	}
	return m.Format.validate()
}

func (m *Mapping) validateKey() error {
	kinds := 0
	for _, there := range []bool{m.Key != "", len(m.KeyColumns) > 0, m.KeyJSON != ""} {
		if there {
			kinds++
		}
	}
	if kinds > 1 || (m.KeyJSON == "") != (m.KeyMember == "") {
		return errors.New("outbox.key: want a column, columns, or a member of a JSON column")
	}
	return nil
}

func (h *HeaderColumn) validate() error {
	switch {
	case h.Name == "":
		return fmt.Errorf("outbox.headers: header of column %q: a name is needed", h.Column)
	case h.JSON && h.Column == "":
		return errors.New("outbox.headers: JSON without a column")
	}
	return nil
}
