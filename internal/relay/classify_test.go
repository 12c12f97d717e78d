package relay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// A slot that decodes prepared transactions from one connection of the relay to its
// next halts it, with what came before delivered; the next start refuses it. Both name
// the way out.
func TestRow80_SlotThatBecomesTwoPhase(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{
		Major: 18, Settings: map[string]string{"max_prepared_transactions": "5"},
	})
	h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres")})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	session, err := wiring.Target(h.Config).Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	h.Until(t, "the slot to be altered between two connections", func() bool {
		h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+
			h.Config.Postgres.Slot+"' AND active")
		_, err := session.Exec(t.Context(), "ALTER_REPLICATION_SLOT "+h.Config.Postgres.Slot+" (TWO_PHASE true)").ReadAll()
		return err == nil
	})
	h.Exec(t, relaytest.Insert("k", 2), "BEGIN", relaytest.Insert("k", 3), "PREPARE TRANSACTION 'p'")
	err = h.Wait(t)
	for _, words := range []string{"two_phase", "Begin Prepare", "walpost recover -c"} {
		if status.ExitCode(err) != status.ExitHalted || !strings.Contains(err.Error(), words) ||
			strings.Contains(err.Error(), "please report") {
			t.Errorf("ended with %v, want %q", err, words)
		}
	}
	if got := numbers(h.consume(t, h.Topic, 2)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("published %v", got)
	}
	h.refused(t, status.ExitRequirement, "two_phase", "walpost recover -c FILE")
	h.Exec(t, "ROLLBACK PREPARED 'p'")
}
