package faults_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// A slot that falls behind max_slot_wal_keep_size: the report warns while events can
// still be saved, and when Postgres drops the slot the relay halts and says so.
func TestRow44_SlotInvalidated(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 0, map[string]string{"max_slot_wal_keep_size": "48MB", "max_wal_size": "1GB"}), "postgres", option{})
	kafka := b.ownKafka(t)
	b.start(t)
	b.exec(t, relaytest.Insert("k", 1), "CREATE TABLE busy (x text)")
	b.confirmed(t)
	kafka.Refuse()
	b.exec(t, relaytest.Insert("k", 2))
	b.state(t, relay.KafkaUnavailable)
	const segment = `INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 8000)` // some 9 MB, and no checkpoint by itself
	for range 5 {
		b.exec(t, segment, "SELECT pg_switch_wal()")
	}
	early := b.condition(t, relay.ConditionSlotAtRisk)
	if early.Severity != relay.Critical || !strings.Contains(early.Hint, "max_slot_wal_keep_size") {
		t.Errorf("the warning is %+v", early)
	}
	if b.relay.Status().State == relay.HaltedState {
		t.Error("the warning came after the end")
	}
	for range 5 {
		b.exec(t, segment, "SELECT pg_switch_wal()", "CHECKPOINT")
	}
	kafka.Heal()
	b.halts(t, relay.ExitHalted, "the slot is lost", "max_slot_wal_keep_size", "walpost recover")
}

// idle_replication_slot_timeout of Postgres 18 drops the slot of a relay that is
// down for too long: the next start says so.
func TestRow45_SlotIdleForTooLong(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 18, map[string]string{"idle_replication_slot_timeout": "1s"}), "postgres", option{})
	b.start(t)
	b.exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	b.exec(t, "CHECKPOINT")
	b.end(t)
	b.released(t)
	b.exec(t, relaytest.Insert("k", 2))
	devstacktest.Await(t, "Postgres to drop the slot", func() bool {
		b.exec(t, "CHECKPOINT")
		return devstacktest.Value[string](t, b.conn, "SELECT wal_status FROM pg_replication_slots") == "lost"
	})
	b.launch(t)
	b.halts(t, relay.ExitHalted, "lost", "walpost recover")
}
