package recover_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// recover refuses such rows before it makes a slot, and publishes them with the time of
// publishing.
func TestRow117_RecoverOfWhatItsTopicWouldDelete(t *testing.T) {
	t.Parallel()
	topic := recovertest.TopicWith(t, &stack, map[string]string{"retention.ms": "3600000"})
	f := recovertest.New(t, &stack, configtest.Keys{"outbox.topic": topic})
	f.Exec(t, relaytest.Insert("a", 1), "UPDATE outbox SET created = created - interval '2 hours'")
	_, _, err := f.Open(t, recover.Selection{All: true}, false)
	recovertest.WantHalt(t, err, status.ExitRequirement, topic, "retention.ms", "--timestamp now")
	if slots := f.Slots(t); slots != "" {
		t.Errorf("slots %s", slots)
	}
	f.StampNow = true
	f.Recover(t, recover.Selection{All: true}, false)
	records, err := stack.Kafka(t).Records(t.Context(), topic)
	if err != nil || len(records) != 1 || time.Since(records[0].Timestamp) > time.Hour {
		t.Errorf("%d records, %v", len(records), err)
	}
}
