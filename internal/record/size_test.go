package record_test

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
