package faults_test

import (
	"context"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A slot that falls behind max_slot_wal_keep_size: the report warns while events can
// still be saved, and when Postgres drops the slot the relay halts and says so.
func TestRow44_SlotInvalidated(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, map[string]string{"max_slot_wal_keep_size": "48MB", "max_wal_size": "1GB"}), nil)
	kafka := h.ownKafka(t)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1), "CREATE TABLE busy (x text)")
	h.Confirmed(t)
	kafka.Refuse()
	h.Exec(t, relaytest.Insert("k", 2))
	h.State(t, status.KafkaUnavailable)
	const segment = `INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 8000)` // some 9 MB, and no checkpoint by itself
	for range 5 {
		h.Exec(t, segment, "SELECT pg_switch_wal()")
	}
	early := h.Condition(t, status.ConditionSlotAtRisk)
	if early.Severity != status.Critical || !strings.Contains(early.Hint, "max_slot_wal_keep_size") {
		t.Errorf("the warning is %+v", early)
	}
	if h.Status().State == status.HaltedState {
		t.Error("the warning came after the end")
	}
	for range 5 {
		h.Exec(t, segment, "SELECT pg_switch_wal()", "CHECKPOINT")
	}
	kafka.Heal()
	h.Halts(t, status.ExitHalted, "the slot is lost", "max_slot_wal_keep_size", "walpost recover")
}

// idle_replication_slot_timeout of Postgres 18 drops the slot of a relay that is
// down for too long: the next start says so.
func TestRow45_SlotIdleForTooLong(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 18, map[string]string{"idle_replication_slot_timeout": "1s"}), nil)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Exec(t, "CHECKPOINT")
	h.Stop(t)
	h.Released(t)
	h.Exec(t, relaytest.Insert("k", 2))
	devstacktest.Await(t, "Postgres to drop the slot", func() bool {
		h.Exec(t, "CHECKPOINT")
		return devstacktest.Value[string](t, h.DB.Conn, "SELECT wal_status FROM pg_replication_slots") == "lost"
	})
	h.Launch(t)
	h.Halts(t, status.ExitHalted, "idle_replication_slot_timeout", "walpost recover")
}

// A relay that hibernates through an outage of Kafka longer than
// idle_replication_slot_timeout comes back in time to keep its slot.
func TestRow102_SlotKeptWhileHibernating(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 18, map[string]string{"idle_replication_slot_timeout": "6s"}),
		keys{"postgres.hibernate_after": "1s"})
	kafka := h.ownKafka(t)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	kafka.Refuse()
	h.Exec(t, relaytest.Insert("k", 2))
	h.State(t, status.Hibernating)
	seen := map[string]bool{}
	h.Until(t, "more visits than the limit has room for", func() bool {
		h.Exec(t, "CHECKPOINT") // which drops what is idle
		if status := devstacktest.Value[string](t, h.DB.Conn, "SELECT wal_status FROM pg_replication_slots"); status == "lost" {
			t.Fatal("Postgres has dropped the slot")
		}
		seen[devstacktest.Value[string](t, h.DB.Conn, "SELECT coalesce(inactive_since::text, '') FROM pg_replication_slots")] = true
		return len(seen) > 8
	})
	if state := h.Status().State; state != status.Hibernating {
		t.Errorf("it is %s", state)
	}
	kafka.Heal()
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// A slot that is lost while the relay hibernates is told at once, and not when Kafka
// is back, with the setting that took it.
func TestRow102_LostWhileHibernating(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, map[string]string{"max_slot_wal_keep_size": "1MB"}),
		keys{"postgres.hibernate_after": "1s"})
	kafka := h.ownKafka(t)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1), "CREATE TABLE busy (x int)")
	h.Confirmed(t)
	kafka.Refuse()
	h.Exec(t, relaytest.Insert("k", 2))
	h.State(t, status.Hibernating)
	for range 5 {
		h.Exec(t, "INSERT INTO busy VALUES (1)", "SELECT pg_switch_wal()")
	}
	h.Exec(t, "CHECKPOINT")
	watching, done := context.WithCancel(t.Context())
	defer done()
	go h.WatchSlot(watching)
	h.Halts(t, status.ExitHalted, "the slot is lost", "max_slot_wal_keep_size", "walpost recover")
}
