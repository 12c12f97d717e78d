package recover_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// What a start says of a slot with two_phase is true: recover makes one without it, and
// publishes what the old one had not delivered.
func TestRow80_RecoverMakesASlotWithoutTwoPhase(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Exec(t, "CREATE PUBLICATION "+f.Config.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+f.Config.Postgres.Slot+"', 'pgoutput', false, true)", relaytest.Insert("k", 1))
	f.Launch(t)
	recovertest.WantHalt(t, f.Wait(t), status.ExitRequirement, "two_phase", "walpost recover -c FILE")
	f.Recover(t, recover.Selection{All: true}, false)
	if devstacktest.Value[bool](t, f.DB.Conn, "SELECT two_phase FROM pg_replication_slots WHERE slot_name = '"+f.Config.Postgres.Slot+"'") {
		t.Error("the new slot has two_phase")
	}
	f.Exec(t, relaytest.Insert("k", 2))
	f.Deliver(t)
	f.Exact(t)
}
