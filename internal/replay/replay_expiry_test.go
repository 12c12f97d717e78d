package replay_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replay"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
)

// Rows and records older than the target's retention are refused before anything is
// published; with the time of publishing they stay.
func TestRow117_ReplayOfWhatItsTopicWouldDelete(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Config.Kafka.Topics.Create = true
	f.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2))
	f.Exec(t, "UPDATE outbox SET created = created - interval '8 days' WHERE payload->>'n' = '1'")
	all := replay.Range{All: true}
	hour := recovertest.TopicWith(t, &stack, map[string]string{"retention.ms": "3600000"})
	fresh := hour + ".fresh" // made by the replay, with the cluster's seven days
	for _, topic := range []string{hour, fresh} {
		_, _, err := openReplay(t, f, replay.Options{ToTopic: topic, Rows: all})
		recovertest.WantHalt(t, err, status.ExitRequirement, topic, "retention.ms", "--timestamp now")
	}
	records, err := stack.Kafka(t).Records(t.Context(), hour)
	if err != nil || len(records) != 0 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	began := time.Now().Add(-time.Second)
	for _, topic := range []string{hour, fresh} {
		records = replayed(t, f, replay.Options{ToTopic: topic, Rows: all, StampNow: true})
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
		if got := len(replayed(t, f, replay.Options{ToTopic: recovertest.TopicWith(t, &stack, settings), Rows: all})); got != 2 {
			t.Errorf("%s: %d records", name, got)
		}
	}
}

// A topic as the source: its first record is judged in the plan, the others as they are read.
func TestRow117_ReplayOfATopic(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2))
	f.Exec(t, "UPDATE outbox SET created = created - interval '2 hours' WHERE payload->>'n' = '2'")
	ever := recovertest.TopicWith(t, &stack, map[string]string{"retention.ms": "-1"})
	hour := recovertest.TopicWith(t, &stack, map[string]string{"retention.ms": "3600000"})
	f.Exec(t, "ALTER TABLE outbox ADD placed timestamptz",
		"UPDATE outbox SET placed = '2026-01-01'::timestamptz + (payload->>'n')::int * interval '1 s'")
	replayed(t, f, replay.Options{ToTopic: ever, Rows: replay.Range{All: true, TimeColumn: "placed"}})

	// The old record is the second one: only reading finds it.
	r, plan, err := openReplay(t, f, replay.Options{Topic: ever, ToTopic: hour, Records: replay.Records{FirstOffset: -1, LastOffset: -1}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(republish.Result) {})
	recovertest.WantHalt(t, err, status.ExitRequirement, hour, "retention.ms", "--timestamp now")
	_, _, err = openReplay(t, f, replay.Options{Topic: ever, ToTopic: hour, Records: replay.Records{FirstOffset: 1, LastOffset: -1}})
	recovertest.WantHalt(t, err, status.ExitRequirement, hour, "retention.ms", "--timestamp now")

	again := recovertest.TopicWith(t, &stack, map[string]string{"retention.ms": "3600000"})
	records := replayed(t, f, replay.Options{Topic: ever, ToTopic: again, Records: everything(), StampNow: true})
	if len(records) != 2 || time.Since(records[1].Timestamp) > time.Hour {
		t.Errorf("%d records", len(records))
	}
}
