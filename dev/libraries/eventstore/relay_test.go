package eventstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/pkg/eventstore"
)

// What is appended reaches Kafka by the relay, in the order of the versions, with the
// version as a header.
func TestRelayPublishesTheTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	topic := stack.Topic(t, 3)
	keys := configtest.Keys{
		"name": f.Name, "postgres.url": f.URL, "kafka.brokers": stack.Kafka(t).Bootstrap(devstack.Plaintext), "outbox.table": "events",
		"outbox.topic": topic, "outbox.headers": map[string]string{"eventType": "type", "version": "version"},
	}
	relaytest.Start(t, keys.Load(t)).State(t, status.Streaming)
	for v := int64(0); v < 10; v += 2 {
		if _, err := f.append(t, mine, v, move(1), move(2)); err != nil {
			t.Fatal(err)
		}
	}
	var records []*sarama.ConsumerMessage
	devstacktest.Await(t, "10 records", func() bool {
		records, _ = stack.Kafka(t).Records(t.Context(), topic)
		return len(records) >= 10
	})
	for i, rec := range records {
		var words []string
		for _, h := range rec.Headers[1:] {
			words = append(words, string(h.Key)+"="+string(h.Value))
		}
		if got, want := strings.Join(words, " "), fmt.Sprintf("eventType=Moved version=%d", i+1); got != want ||
			string(rec.Key) != mine.ID {
			t.Errorf("record %d of %q has %s, want %s", i, rec.Key, got, want)
		}
	}
}
