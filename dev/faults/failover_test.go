//go:build faults

package faults_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A failover under load with a failover slot and synchronized_standby_slots: the
// relay goes on at the switch point, and what the new primary has is exactly what
// Kafka has, but for commits that nobody was told of.
func TestRow56_FailoverWithSynchronizedSlots(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	p.configure(t, "synchronized_standby_slots = 'phys'", "synchronous_standby_names = 'phys'")
	h, a := newPairHarness(t, p, true)
	h.Start(t)
	p.synced(t, h)
	w := h.write(t)
	h.Passes(t, 500)
	w.end()
	h.Confirmed(t)
	before := h.Seen.Records.Load()
	h.Exec(t, inserts(1, 500)) // some are under way when the primary dies
	p.promote(t, h, a)
	h.State(t, status.Streaming)
	w = h.write(t)
	h.Passes(t, 200)
	w.end()
	h.Confirmed(t)
	h.judge(t)
	if !h.has("new timeline") {
		t.Error("the log does not tell of the new timeline")
	}
	t.Logf("%d records before the failover, %d after", before, h.Seen.Records.Load()-before)
	h.Stop(t)
}

// The same without synchronized_standby_slots, while the standby is behind: nothing
// that the new primary has is lost, and what was published and is not there is
// counted and named.
func TestRow57_FailoverToAStandbyThatWasBehind(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	h, a := newPairHarness(t, p, true)
	h.Start(t)
	p.synced(t, h)
	h.Confirmed(t)
	const beyond = 30
	p.diesBeyond(t, h, beyond)
	p.promoteOnly(t, h, a)
	h.Exec(t, inserts(1001, 1050))
	h.Confirmed(t)
	h.beyondTheSwitch(t, beyond)
	h.Stop(t)
}

// beyondTheSwitch checks that Kafka has all that was committed, in order, and besides it
// so many events of the old timeline, which the log counts.
func (h *harness) beyondTheSwitch(t *testing.T, events int) {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	r := relaytest.Compare(t, committed, h.Kafka, h.Topic)
	if r.Lost != 0 || r.OutOfOrder != 0 || r.Phantom != events {
		t.Errorf("%v, want %d published from the old timeline", r, events)
	}
	if !h.has("do not exist in Postgres any more", fmt.Sprint("possible_phantoms:", events), "switch_point:") {
		t.Error("the log does not count what was published beyond the switch point")
	}
}

// diesBeyond publishes so many events that the standby does not get, and kills the primary.
func (p pair) diesBeyond(t *testing.T, h *harness, events int) {
	t.Helper()
	p.received(t)
	receiver := p.walreceiver(t)
	if err := syscall.Kill(receiver, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, inserts(1, events))
	h.Confirmed(t)
	if err := p.primary.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(receiver, syscall.SIGKILL); err != nil { // what its socket holds must not arrive
		t.Fatal(err)
	}
	p.comeBack(t, receiver)
}

// comeBack waits until the standby has noticed that its walreceiver is dead, which takes it down, and is there again.
func (p pair) comeBack(t *testing.T, receiver int) {
	t.Helper()
	devstacktest.Await(t, "the standby to notice", func() bool { return errors.Is(syscall.Kill(receiver, 0), syscall.ESRCH) })
	devstacktest.Await(t, "the standby to answer", func() bool {
		return p.standby.Exec(t.Context(), "postgres", "SELECT 1") == nil
	})
}

// promoteOnly is promote of a primary that is dead already.
func (p pair) promoteOnly(t *testing.T, h *harness, a *address) {
	t.Helper()
	if err := p.standby.Exec(t.Context(), "postgres", "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	a.lead(t, p.standby)
	h.Reconnect(t, p.standby)
}

// A failover without a failover slot: the new primary has no slot, and the relay
// halts instead of making one.
func TestRow58_FailoverWithoutFailoverSlot(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	h, a := newPairHarness(t, p, false)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	p.walreceiver(t)
	p.promote(t, h, a)
	h.Halts(t, status.ExitHalted, "does not exist any more", "walpost recover")
}

// A dead standby that is named in synchronized_standby_slots holds the events back:
// the relay says so, and goes on when it is there again.
func TestRow59_StandbyDead(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	p.configure(t, "synchronized_standby_slots = 'phys'")
	h, _ := newPairHarness(t, p, true)
	h.Start(t)
	p.synced(t, h)
	h.Confirmed(t)
	h.sample(t)
	if err := p.standby.Stop(t.Context(), devstack.StopFast); err != nil {
		t.Fatal(err)
	}
	before := h.Seen.Records.Load()
	h.Exec(t, inserts(1, 100))
	h.State(t, status.WaitingForStandby)
	c := h.Condition(t, status.ConditionStandbySlots)
	if c.Severity != status.Critical || c.Hint == "" || h.Status().State == status.Streaming {
		t.Errorf("the condition is %+v", c)
	}
	if n := h.Seen.Records.Load(); n != before {
		t.Errorf("%d records were published that the standby does not have", n-before)
	}
	if err := p.standby.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.State(t, status.Streaming)
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// Another cluster behind the same address, as after a restore to a new one: the
// relay halts by its system identifier, though slot and publication are there.
func TestRow60_AnotherCluster(t *testing.T) {
	t.Parallel()
	one, other := ownServer(t, 0, nil), ownServer(t, 0, nil)
	a := newAddress(t, one)
	h := newHarnessOn(t, one, keys{"postgres.url": one.URLVia(a.addr(), "postgres", "", "postgres")})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	slot := h.Config.Postgres.Slot
	err := other.Exec(t.Context(), "postgres", relaytest.OutboxDDL,
		"CREATE PUBLICATION "+slot+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+slot+"', 'pgoutput')", relaytest.Insert("k", 2))
	if err != nil {
		t.Fatal(err)
	}
	a.lead(t, other)
	h.Halts(t, status.ExitHalted, "another Postgres cluster", "system identifier")
	if r := h.judge(t); r.Records != 1 {
		t.Errorf("%v", r)
	}
}

// A backup of the same cluster that was restored to an earlier point: the slot is
// behind what this process confirmed, on the same timeline. Rows after it are new
// ones under old positions.
func TestRow60_RestoredBackup(t *testing.T) {
	t.Parallel()
	one, other := ownServer(t, failoverMajor, nil), ownServer(t, failoverMajor, nil)
	a := newAddress(t, one)
	h := newHarnessOn(t, one, keys{"postgres.url": one.URLVia(a.addr(), "postgres", "", "postgres")})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	for _, p := range []*devstack.Postgres{one, other} {
		if err := p.Stop(t.Context(), devstack.StopFast); err != nil {
			t.Fatal(err)
		}
	}
	copyData(t, one.DataDir(), other.DataDir()) // the backup; it becomes a timeline of its own by its recovery
	for _, p := range []*devstack.Postgres{one, other} {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.Reconnect(t, one)
	h.Exec(t, inserts(1, 20)) // not in the backup
	h.Confirmed(t)
	if err := other.Exec(t.Context(), "postgres", "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	a.lead(t, other)
	h.Until(t, "the new timeline to be noticed", func() bool {
		return h.Logged("new timeline") > 0 || h.Logged("beyond the point where the new timeline begins") > 0
	})
	h.Reconnect(t, other)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	h.beyondTheSwitch(t, 20)
	h.Stop(t)
}
