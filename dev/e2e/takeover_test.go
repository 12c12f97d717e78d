package e2e_test

import (
	"fmt"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Slot and publication of a stopped Debezium connector are taken over by naming
// them. Debezium publishes all operations, not via the root, and its orderly stop
// leaves the slot inside the last transaction, which therefore comes again.
func TestSlotHandedOverFromDebezium(t *testing.T) {
	t.Parallel()
	h := newHarness(t, keys{"postgres.slot": "debezium_PREFIX", "postgres.publication": "dbz_publication", "postgres.create": false})
	h.Exec(t,
		relaytest.Insert("k", 1), // before the slot
		"CREATE PUBLICATION dbz_publication FOR TABLE outbox WITH (publish = 'insert, update, delete, truncate', "+
			"publish_via_partition_root = false)",
		"SELECT pg_create_logical_replication_slot('"+h.Config.Postgres.Slot+"', 'pgoutput')",
		relaytest.Insert("k", 2), "BEGIN", relaytest.Insert("k", 3))
	inside := devstacktest.Value[string](t, h.DB.Conn, "SELECT pg_current_wal_insert_lsn()::text")
	h.Exec(t, relaytest.Insert("k", 4), "COMMIT", "SELECT pg_replication_slot_advance('"+h.Config.Postgres.Slot+"', '"+inside+"')",
		relaytest.Insert("k", 5))

	walpost(t, "check", "-c", h.Config.File).Exits(t, 0)
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	h.Exec(t, "UPDATE outbox SET payload = '{}'", "DELETE FROM outbox WHERE payload = '{}'", "TRUNCATE outbox", relaytest.Insert("k", 6))
	h.confirmed(t, p)
	for op, n := range map[string]float64{"update": 5, "delete": 5, "truncate": 1} {
		if got := p.metric(t, fmt.Sprintf("walpost_changes_ignored_total{op=%q", op)); got != n {
			t.Errorf("%v changes by %s ignored, want %v", got, op, n)
		}
	}
	p.Terminate(t)
	p.Exits(t, 0)
	var numbers []int64
	for _, r := range h.records(t) {
		numbers = append(numbers, r.Number)
	}
	if want := "[3 4 5 6]"; fmt.Sprint(numbers) != want {
		t.Errorf("published %v, want the transaction that the slot is in, and what came after: %v", numbers, want)
	}

	// Given back, the slot holds nothing that was published, and goes on.
	h.Exec(t, relaytest.Insert("k", 7))
	n := devstacktest.Value[int](t, h.DB.Conn, `SELECT count(*)
		FROM pg_logical_slot_peek_binary_changes('`+h.Config.Postgres.Slot+`', NULL::pg_lsn, NULL::int,
			'proto_version', '1', 'publication_names', 'dbz_publication')
		WHERE get_byte(data, 0) = ascii('I')`)
	if n != 1 {
		t.Errorf("%d rows wait in the slot, want the new one", n)
	}
}
