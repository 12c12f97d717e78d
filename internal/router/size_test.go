package router

import (
	"testing"
)

// The sizes are those of Kafka's own AbstractRecords.estimateSizeInBytesUpperBound
// (kafka-clients 4.1.0, magic 2).
func TestSizeIsThatOfMaxRequestSize(t *testing.T) {
	for _, c := range []struct {
		rec  Record
		want int64
	}{
		{Record{}, 85},
		{Record{Key: []byte{}, Value: []byte{}}, 85},
		{Record{Key: make([]byte, 63), Value: make([]byte, 64), Headers: []Header{{Name: "id", Value: make([]byte, 36)}, {Name: "eventType", Value: nil}}}, 264},
		{Record{Key: make([]byte, 8191), Value: make([]byte, 8192), Headers: []Header{{Name: "ünï", Value: []byte{}}}}, 16478},
		{Record{Value: make([]byte, 1<<20), Headers: []Header{{Name: "id", Value: make([]byte, 36)}}}, 1048704},
	} {
		if got := c.rec.Size(); got != c.want {
			t.Errorf("%d, want %d", got, c.want)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	m := defaultMapping()
	rec, err := newRouter(t, m).Route(insert(outbox()), commitTime(), Position{})
	if err != nil {
		t.Fatal(err)
	}
	m.MaxBytes = rec.Size()
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), Position{}); err != nil {
		t.Errorf("a record of the limit's size: %v", err)
	}
	m.MaxBytes--
	if _, r := rejected(t, m, insert(outbox())); r.Reason != ReasonTooLarge || r.Topic != "outbox.event.Order" {
		t.Errorf("%+v", r)
	}
	m.MaxBytes = 0
	if _, err := newRouter(t, m).Route(insert(outbox()), commitTime(), Position{}); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
