package router

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/topicname"
)

func dltTemplate() topicname.Template {
	return topicname.Template{{Column: "topic"}, {Literal: ".DLT"}}
}

func deadLetters(t *testing.T, template topicname.Template) *record.DeadLetters {
	t.Helper()
	d, err := record.NewDeadLetters(template)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDeadLetter(t *testing.T) {
	m := defaultMapping()
	m.MaxBytes = 100
	rec, rejection := rejected(t, m, insert(outbox()))
	rec.Partition = 7                          // as if the column had said so
	rec.Headers = slices.Grow(rec.Headers, 16) // room that belongs to the record, not to its dead letter
	pos := record.Position{CommitLSN: 0x16B374D848, Ordinal: 2}
	at := time.Date(2026, 1, 1, 2, 0, 0, 120_999_000, time.FixedZone("", 7200))
	letter, err := deadLetters(t, dltTemplate()).Record(rec, rejection, pos, at)
	if err != nil {
		t.Fatal(err)
	}
	if letter.Topic != "outbox.event.Order.DLT" || letter.Partition != -1 || string(letter.Key) != "42" ||
		string(letter.Value) != `{"n": 1}` || letter.Timestamp != rec.Timestamp {
		t.Errorf("%+v", letter)
	}
	want := []record.Header{
		{Name: "id", Value: []byte(anID)},
		{Name: "eventType", Value: []byte("OrderCreated")},
		{Name: "walpost-dlt-topic", Value: []byte("outbox.event.Order")},
		{Name: "walpost-dlt-reason", Value: []byte("too_large")},
		{Name: "walpost-dlt-error", Value: []byte(rejection.Text)},
		{Name: "walpost-dlt-position", Value: []byte("00000016b374d848/00000002")},
		{Name: "walpost-dlt-time", Value: []byte("2026-01-01T00:00:00.120Z")},
	}
	if !slices.EqualFunc(letter.Headers, want, func(a, b record.Header) bool {
		return a.Name == b.Name && string(a.Value) == string(b.Value)
	}) {
		t.Errorf("headers %q", letter.Headers)
	}
	if rest := rec.Headers[:7][2:]; slices.ContainsFunc(rest, func(h record.Header) bool { return h.Name != "" }) {
		t.Errorf("written behind the record's own headers: %q", rest)
	}
}

func TestDeadLetterTopics(t *testing.T) {
	for _, c := range []struct {
		name     string
		template topicname.Template
		value    string // of aggregatetype; "" for NULL
		topic    string // "" when there is none
	}{
		{"one for all", topicname.Template{{Literal: "dead"}}, "Order/€", "dead"},
		{"one for all, no topic", topicname.Template{{Literal: "dead"}}, "", "dead"},
		{"illegal name", dltTemplate(), "Order/€", ""},
		{"no topic", dltTemplate(), "", ""},
		{"reserved name", dltTemplate(), "__x", "outbox.event.__x.DLT"},
		{"too long", dltTemplate(), strings.Repeat("a", 249), ""},
	} {
		ins := with(insert(outbox()), 1, text(c.value))
		if c.value == "" {
			ins.Row[1] = null()
		}
		m := defaultMapping()
		m.MaxBytes = 1 // rejects what nothing else does
		rec, rejection := rejected(t, m, ins)
		letter, err := deadLetters(t, c.template).Record(rec, rejection, record.Position{}, commitTime())
		var refused *record.DeadLetterError
		switch {
		case c.topic == "" && !errors.As(err, &refused):
			t.Errorf("%s: %+v, %v, want it refused", c.name, letter, err)
		case c.topic != "" && (err != nil || letter.Topic != c.topic):
			t.Errorf("%s: %+v, %v, want topic %s", c.name, letter, err, c.topic)
		case err != nil && !strings.Contains(err.Error(), "delivery.dead_letter"):
			t.Errorf("%s: %q does not name the key", c.name, err)
		}
	}
	for _, template := range []topicname.Template{nil, {{Column: "id"}}, {{}}} {
		if _, err := record.NewDeadLetters(template); err == nil {
			t.Errorf("template %v was taken", template)
		}
	}
}
