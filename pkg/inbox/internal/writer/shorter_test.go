package writer_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// The key stays with the first step, an empty one too, and no key becomes no empty one.
func TestShorterKeepsTheKey(t *testing.T) {
	t.Parallel()
	for _, key := range []sarama.Encoder{nil, sarama.ByteEncoder{}, sarama.StringEncoder("k")} {
		m := &sarama.ProducerMessage{Topic: "dead", Partition: 2, Key: key, Value: sarama.ByteEncoder("value")}
		short, ok := writer.Shorter(m)
		if !ok || short.Topic != "dead" || short.Partition != 2 || short.Value != nil || (short.Key == nil) != (key == nil) {
			t.Fatalf("key %#v: %v, %+v", key, ok, short)
		}
		if key != nil && short.Key.Length() != key.Length() {
			t.Errorf("key %#v: %#v", key, short.Key)
		}
		if n := len(short.Headers); n != 1 || string(short.Headers[0].Key) != dlt.HeaderIncomplete {
			t.Errorf("key %#v: headers %v", key, short.Headers)
		}
		if m.Value == nil || len(m.Headers) != 0 {
			t.Error("the message was changed")
		}
	}
}
