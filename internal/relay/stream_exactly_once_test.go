package relay_test

import (
	"testing"

	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// exactlyOnce are the keys of a relay whose events are visible exactly once.
func exactlyOnce() keys {
	return keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
		"kafka.topics.create": true, "kafka.topics.replication_factor": 1,
	}
}

// once checks that a reader of committed records sees each committed event once, in order.
func once(t *testing.T, h *harness) *oracle.Report {
	t.Helper()
	return relaytest.Once(t, h.DB.Conn, h.Kafka, h.Topic)
}

// committed compares what is committed in the outbox with what a reader of committed records sees of topics.
func (h *harness) committed(t *testing.T, topics ...string) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	return relaytest.CompareCommitted(t, committed, h.Kafka, topics...)
}

func TestExactlyOnceAcrossRestarts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	for round := range 3 {
		h.Start(t)
		for i := range 20 {
			h.Exec(t, relaytest.Insert("k", round*20+i))
		}
		h.Confirmed(t)
		if round == 1 {
			h.Cancel()
			_ = h.Wait(t)
			continue
		}
		h.Stop(t)
	}
	once(t, h)
}

// A transaction of Postgres that is larger than the memory is cut: its position stands
// inside it, and a relay that dies there goes on after what was committed.
func TestExactlyOnceInsideAHugeTransaction(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce().With(keys{"delivery.in_flight": "1MiB"})})
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i % 100, 'Created', jsonb_build_object('n', i, 'pad', repeat('x', 200)) FROM generate_series(1, 60000) i`)
	for range 5 {
		h.Until(t, "a part of it", func() bool { return h.Seen.Records.Load() > 0 })
		h.Cancel()
		_ = h.Wait(t)
		h.Start(t)
	}
	h.Confirmed(t)
	h.Stop(t)
	once(t, h)
}

// Rejected records are decided inside the transaction of their event: a dead letter is
// there once, and what is left out is left out once.
func TestExactlyOnceRejectedRecords(t *testing.T) {
	t.Parallel()
	for policy, dead := range map[string]int{"dead_letter": 2, "skip": 0} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{
				TopicConfig: map[string]string{"max.message.bytes": "2000"},
				Keys:        exactlyOnce().With(keys{"delivery.on_reject": policy, "kafka.compression": "none"}),
			})
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 1),
				`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
				SELECT 'order', 'k', 'Created', jsonb_build_object('pad', repeat('x', 3000)) FROM generate_series(1, 2)`,
				relaytest.Insert("k", 2))
			h.Confirmed(t)
			h.Stop(t)
			topics := map[string]int{h.Topic: 2}
			if dead > 0 {
				topics[h.Topic+".DLT"] = dead
			}
			for topic, want := range topics {
				if records, err := h.Kafka.Records(t.Context(), topic); err != nil || len(records) != want {
					t.Errorf("%s has %d records, want %d (%v)", topic, len(records), want, err)
				}
			}
		})
	}
}

// A position that is missing, or lies before what the slot has confirmed, halts: nobody
// knows what was published.
func TestExactlyOnceNeedsItsPosition(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Stop(t)
	h.Configure(t, exactlyOnce())
	h.Launch(t)
	h.Halts(t, 4, "there is no position of the slot in Kafka", "walpost position")

	moved := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	moved.Start(t)
	moved.Exec(t, relaytest.Insert("k", 1))
	moved.Confirmed(t)
	moved.Stop(t)
	moved.Exec(t, relaytest.Insert("k", 2),
		"SELECT pg_replication_slot_advance('"+moved.Config.Postgres.Slot+"', pg_current_wal_lsn())")
	moved.Launch(t)
	moved.Halts(t, 4, "the slot was advanced by somebody else", "walpost position")
}
