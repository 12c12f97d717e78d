package recovery_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// topicWith makes a topic with settings.
func topicWith(t *testing.T, settings map[string]string) string {
	t.Helper()
	name := stack.Topic(t, 1) + ".set"
	if err := stack.Kafka(t).CreateTopic(t.Context(), name, 1, 1, settings); err != nil {
		t.Fatal(err)
	}
	return name
}

// Rows and records older than the target's retention are refused before anything is
// published; with the time of publishing they stay.
func TestRow117_ReplayOfWhatItsTopicWouldDelete(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cfg.Kafka.Topics.Create = true
	f.db.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2))
	f.db.Exec(t, "UPDATE outbox SET created = created - interval '8 days' WHERE payload->>'n' = '1'")
	all := recovery.Range{All: true}
	hour := topicWith(t, map[string]string{"retention.ms": "3600000"})
	fresh := hour + ".fresh" // made by the replay, with the cluster's seven days
	for _, topic := range []string{hour, fresh} {
		_, _, err := f.replay(t, recovery.ReplayOptions{ToTopic: topic, Rows: all})
		wantHalt(t, err, status.ExitRequirement, topic, "retention.ms", "--timestamp now")
	}
	records, err := stack.Kafka(t).Records(t.Context(), hour)
	if err != nil || len(records) != 0 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	began := time.Now().Add(-time.Second)
	for _, topic := range []string{hour, fresh} {
		records = f.replayed(t, recovery.ReplayOptions{ToTopic: topic, Rows: all, StampNow: true})
		wantValues(t, records, "map[a:1 2 ]")
		for _, rec := range records {
			if rec.Timestamp.Before(began) {
				t.Errorf("time %v, it began at %v", rec.Timestamp, began)
			}
		}
	}
	for name, settings := range map[string]map[string]string{
		"kept for ever":     {"retention.ms": "-1"},
		"compacted only":    {"cleanup.policy": "compact", "retention.ms": "3600000"},
		"the broker's time": {"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000"},
	} {
		if got := len(f.replayed(t, recovery.ReplayOptions{ToTopic: topicWith(t, settings), Rows: all})); got != 2 {
			t.Errorf("%s: %d records", name, got)
		}
	}
}

// A topic as the source: its first record is judged in the plan, the others as they are read.
func TestRow117_ReplayOfATopic(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.db.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2))
	f.db.Exec(t, "UPDATE outbox SET created = created - interval '2 hours' WHERE payload->>'n' = '2'")
	ever := topicWith(t, map[string]string{"retention.ms": "-1"})
	hour := topicWith(t, map[string]string{"retention.ms": "3600000"})
	f.db.Exec(t, "ALTER TABLE outbox ADD placed timestamptz", "UPDATE outbox SET placed = '2026-01-01'::timestamptz + (payload->>'n')::int * interval '1 s'")
	f.replayed(t, recovery.ReplayOptions{ToTopic: ever, Rows: recovery.Range{All: true, TimeColumn: "placed"}})

	// The old record is the second one: only reading finds it.
	r, plan, err := f.replay(t, recovery.ReplayOptions{Topic: ever, ToTopic: hour, Records: recovery.Records{FirstOffset: -1, LastOffset: -1}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(recovery.Result) {})
	wantHalt(t, err, status.ExitRequirement, hour, "retention.ms", "--timestamp now")
	_, _, err = f.replay(t, recovery.ReplayOptions{Topic: ever, ToTopic: hour, Records: recovery.Records{FirstOffset: 1, LastOffset: -1}})
	wantHalt(t, err, status.ExitRequirement, hour, "retention.ms", "--timestamp now")

	again := topicWith(t, map[string]string{"retention.ms": "3600000"})
	records := f.replayed(t, recovery.ReplayOptions{Topic: ever, ToTopic: again, Records: recovery.Records{FirstOffset: -1, LastOffset: -1}, StampNow: true})
	if len(records) != 2 || time.Since(records[1].Timestamp) > time.Hour {
		t.Errorf("%d records", len(records))
	}
}

// recover refuses such rows before it makes a slot, and publishes them with the time of
// publishing.
func TestRow117_RecoverOfWhatItsTopicWouldDelete(t *testing.T) {
	t.Parallel()
	topic := topicWith(t, map[string]string{"retention.ms": "3600000"})
	f := newFixture(t, "outbox: {topic: "+topic+", timestamp: created}")
	f.db.Exec(t, relaytest.Insert("a", 1), "UPDATE outbox SET created = created - interval '2 hours'")
	_, _, err := f.open(t, recovery.Selection{All: true}, false)
	wantHalt(t, err, status.ExitRequirement, topic, "retention.ms", "--timestamp now")
	if slots := f.slots(t); slots != "" {
		t.Errorf("slots %s", slots)
	}
	f.stampNow = true
	f.recover(t, recovery.Selection{All: true}, false)
	records, err := stack.Kafka(t).Records(t.Context(), topic)
	if err != nil || len(records) != 1 || time.Since(records[0].Timestamp) > time.Hour {
		t.Errorf("%d records, %v", len(records), err)
	}
}
