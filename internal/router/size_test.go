package router

import (
	"testing"

	"github.com/walpost/walpost/internal/record"
)

// The sizes are those of Kafka's own AbstractRecords.estimateSizeInBytesUpperBound
// (kafka-clients 4.1.0, magic 2).
func TestSizeIsThatOfMaxRequestSize(t *testing.T) {
	for _, c := range []struct {
		rec  record.Record
		want int64
	}{
		{record.Record{}, 85},
		{record.Record{Key: []byte{}, Value: []byte{}}, 85},
		{
			record.Record{
				Key: make([]byte, 63), Value: make([]byte, 64),
				Headers: []record.Header{{Name: "id", Value: make([]byte, 36)}, {Name: "eventType", Value: nil}},
			}, 264,
		},
		{
			record.Record{Key: make([]byte, 8191), Value: make([]byte, 8192), Headers: []record.Header{{Name: "ünï", Value: []byte{}}}},
			16478,
		},
		{record.Record{Value: make([]byte, 1<<20), Headers: []record.Header{{Name: "id", Value: make([]byte, 36)}}}, 1048704},
	} {
		if got := c.rec.Size(); got != c.want {
			t.Errorf("%d, want %d", got, c.want)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	m := defaultMapping()
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{})
	if err != nil {
		t.Fatal(err)
	}
	m.MaxBytes = rec.Size()
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Errorf("a record of the limit's size: %v", err)
	}
	m.MaxBytes--
	if _, r := rejected(t, m, insert(outbox())); r.Reason != record.ReasonTooLarge || r.Topic != "outbox.event.Order" {
		t.Errorf("%+v", r)
	}
	m.MaxBytes = 0
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), record.Position{}); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
