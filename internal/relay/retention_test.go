package relay_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// Kafka deletes soon what is older than the topic's retention when it is published: the
// relay says so, for that topic alone, and not of what is kept for ever.
func TestRow118_RecordOlderThanItsTopicKeeps(t *testing.T) {
	t.Parallel()
	b := newBench(t, strings.Replace(relaytest.OutboxDDL, "payload jsonb", "payload jsonb, at timestamptz DEFAULT now()", 1), "outbox: {topic: 'PREFIX.{aggregatetype}', timestamp: at}\n")
	prefix := strings.TrimSuffix(b.topic, "order")
	for name, retention := range map[string]string{"hour": "3600000", "ever": "-1"} {
		if err := b.kafka.CreateTopic(t.Context(), prefix+name, 1, 1, map[string]string{"retention.ms": retention}); err != nil {
			t.Fatal(err)
		}
	}
	b.start(t)
	insert := func(topic, age string) {
		b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload, at) VALUES ('`+topic+`', 'k', 'T', '1', now() - interval '`+age+`')`)
		b.confirmed(t)
	}
	insert("hour", "10 min")
	insert("ever", "2 h")
	insert("order", "2 h") // Kafka's default: a week
	b.until(t, "a look without a finding", b.relay.Looked)
	if c, there := b.condition(status.ConditionRetention); there {
		t.Errorf("%+v", c)
	}
	insert("hour", "2 h")
	b.until(t, "the condition", func() bool {
		c, there := b.condition(status.ConditionRetention)
		return there && strings.Contains(c.Hint, "topic "+prefix+"hour keeps records for 1h0m0s") && strings.Contains(c.Hint, "replay")
	})
}
