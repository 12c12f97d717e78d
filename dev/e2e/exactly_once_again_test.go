//go:build faults

package e2e_test

import (
	"testing"

	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// exactHarness is a relay with exactly_once on one topic, whose slot and first position are there.
func exactHarness(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, exactlyOnce())
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	return h
}

// recover publishes again what is chosen of the table, and nothing else repeats: the position begins where the new slot
// does, however often the relay is killed after it.
func TestExactlyOnceAfterRecover(t *testing.T) {
	h := exactHarness(t)
	h.Exec(t, backlog(1, 20))
	h.runsOnce(t)
	h.Exec(t, "SELECT pg_drop_replication_slot('"+h.Config.Postgres.Slot+"')", backlog(21, 30))
	walpost(t, "run", "-c", h.Config.File).Exits(t, 4, "walpost recover")
	walpost(t, "recover", "-c", h.Config.File, "--all", "--yes").Exits(t, 0)
	for n, point := range []string{crash.Added, crash.BeforeCommit, crash.Committed} {
		h.Exec(t, backlog(31+10*n, 40+10*n))
		h.crashes(t, point, 1)
		h.released(t)
	}
	h.runsOnce(t)
	if r := h.report(t); !r.Kept() || r.Repeats != 20 {
		t.Errorf("%v, want the 20 that were published before recover to repeat", r)
	}
}

// A replay into another topic changes neither the topic of the events nor the position.
func TestExactlyOnceBesideAReplay(t *testing.T) {
	h := exactHarness(t)
	h.Exec(t, backlog(1, 20))
	h.crashes(t, crash.BeforeCommit, 1)
	h.released(t)
	again := h.Prefix + ".again"
	walpost(t, "replay", "-c", h.Config.File, "--all", "--to-topic", again, "--yes").Exits(t, 0)
	h.runsOnce(t)
	if r := h.report(t); !r.Kept() || r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	if r := relaytest.CompareCommitted(t, committed, h.Kafka, again); !r.Kept() || r.Repeats != 0 {
		t.Errorf("%v in the other topic", r)
	}
}

// audit compares what is committed: what a killed relay has left in an open transaction counts neither as published nor,
// after the next start, as a repeat.
func TestExactlyOnceAudited(t *testing.T) {
	h := exactHarness(t)
	h.Exec(t, backlog(1, 20))
	h.crashes(t, crash.BeforeCommit, 1)
	h.released(t)
	walpost(t, "audit", "-c", h.Config.File).Exits(t, 0, "missing 0", "repeats 0, dead letters 0, in flight 20")
	h.runsOnce(t)
	walpost(t, "audit", "-c", h.Config.File).Exits(t, 0, "missing 0", "repeats 0, dead letters 0, in flight 0", "equal")
}
