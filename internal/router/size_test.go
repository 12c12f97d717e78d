package router

import (
	"testing"

	"pgregory.net/rapid"
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

// Compared as text, positions have the order of the stream.
func TestPositionsSortAsText(t *testing.T) {
	position := rapid.Custom(func(t *rapid.T) Position {
		return Position{CommitLSN: rapid.Uint64().Draw(t, "lsn"), Ordinal: rapid.Uint32().Draw(t, "ordinal")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := position.Draw(t, "a"), position.Draw(t, "b")
		if rapid.Bool().Draw(t, "same transaction") {
			b.CommitLSN = a.CommitLSN
		}
		before := a.CommitLSN < b.CommitLSN || a.CommitLSN == b.CommitLSN && a.Ordinal < b.Ordinal
		if (a.String() < b.String()) != before || len(a.String()) != positionLength {
			t.Fatalf("%v and %v give %s and %s", a, b, a, b)
		}
	})
}
