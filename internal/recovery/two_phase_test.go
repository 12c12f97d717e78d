package recovery_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// What a start says of a slot with two_phase is true: recover makes one without it, and
// publishes what the old one had not delivered.
func TestRow80_RecoverMakesASlotWithoutTwoPhase(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.db.Exec(t, "CREATE PUBLICATION "+f.cfg.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+f.cfg.Postgres.Slot+"', 'pgoutput', false, true)", relaytest.Insert("k", 1))
	wantHalt(t, relaytest.Start(t, f.cfg).Wait(t), status.ExitRequirement, "two_phase", "walpost recover -c FILE")
	f.recover(t, recovery.Selection{All: true}, false)
	if devstacktest.Value[bool](t, f.db.Conn, "SELECT two_phase FROM pg_replication_slots WHERE slot_name = '"+f.cfg.Postgres.Slot+"'") {
		t.Error("the new slot has two_phase")
	}
	f.db.Exec(t, relaytest.Insert("k", 2))
	f.relay(t)
	f.exact(t)
}
