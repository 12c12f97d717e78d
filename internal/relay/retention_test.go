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
	h := newHarness(t, relaytest.Options{Keys: keys{"outbox.timestamp": "at"}})
	h.Exec(t, "ALTER TABLE outbox ADD at timestamptz DEFAULT now()")
	prefix := h.Prefix + "."
	for name, retention := range map[string]string{"hour": "3600000", "ever": "-1"} {
		if err := h.Kafka.CreateTopic(t.Context(), prefix+name, 1, 1, map[string]string{"retention.ms": retention}); err != nil {
			t.Fatal(err)
		}
	}
	h.Start(t)
	insert := func(topic, age string) {
		h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload, at) VALUES ('`+topic+
			`', 'k', 'T', '1', now() - interval '`+age+`')`)
		h.Confirmed(t)
	}
	insert("hour", "10 min")
	insert("ever", "2 h")
	insert("order", "2 h") // Kafka's default: a week
	h.Until(t, "a look without a finding", h.Looked)
	if c, there := h.condition(status.ConditionRetention); there {
		t.Errorf("%+v", c)
	}
	insert("hour", "2 h")
	h.Until(t, "the condition", func() bool {
		c, there := h.condition(status.ConditionRetention)
		return there && strings.Contains(c.Hint, "topic "+prefix+"hour keeps records for 1h0m0s") && strings.Contains(c.Hint, "replay")
	})
}
