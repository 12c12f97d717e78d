package faults_test

import (
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/status"
)

// Two relays under load, of which the one that streams is killed, four times over:
// the other takes over, a new one stands by, and the slot is never confirmed beyond
// what Kafka has.
func TestRow6_TheFirstIsKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	first := h.separate(t)
	h.sample(t)
	w := h.write(t)
	for range 4 {
		second := h.spawn(t)
		second.Writes(t, `"state":"standby"`)
		rows := devstacktest.Value[int](t, h.DB.Conn, "SELECT count(*) FROM outbox")
		devstacktest.Await(t, "more rows", func() bool {
			return devstacktest.Value[int](t, h.DB.Conn, "SELECT count(*) FROM outbox") > rows+200
		})
		first.Kill(t)
		second.Writes(t, `"msg":"streaming"`)
		first = second
	}
	w.end()
	h.caughtUp(t)
	h.judge(t)
}

// A relay that slept while a second one took over and has ended again finds its slot
// free, and confirmed beyond what it knows of. Nothing in Postgres tells that from a
// slot that somebody advanced: inactive_since moves with both, and the statistics of
// the slot count whoever read it. So it halts, says what it may be, and goes on from
// the slot when it is started again: nothing is lost.
func TestRow7_SecondEndedBeforeTheFirstWakes(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, brisk()), nil)
	first := h.separate(t)
	h.sample(t)
	h.Exec(t, inserts(1, 100))
	h.caughtUp(t)
	first.Signal(t, syscall.SIGSTOP)
	h.Launch(t)
	h.State(t, status.Streaming)
	h.Exec(t, inserts(101, 300))
	h.Confirmed(t)
	h.Stop(t)
	h.Released(t)
	first.Signal(t, syscall.SIGCONT)
	first.Exits(t, status.ExitHalted, "advanced by another client", "another relay", "walpost recover", "start walpost again")
	h.Exec(t, inserts(301, 400))
	h.Start(t)
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}
