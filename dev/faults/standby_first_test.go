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
	b := newBench(t, option{})
	first := b.separate(t)
	b.sample(t)
	w := b.write(t)
	for range 4 {
		second := b.spawn(t)
		second.Writes(t, `"state":"standby"`)
		rows := devstacktest.Value[int](t, b.conn, "SELECT count(*) FROM outbox")
		devstacktest.Await(t, "more rows", func() bool {
			return devstacktest.Value[int](t, b.conn, "SELECT count(*) FROM outbox") > rows+200
		})
		first.Kill(t)
		second.Writes(t, `"msg":"streaming"`)
		first = second
	}
	w.end()
	b.caughtUp(t)
	b.judge(t)
}

// A relay that slept while a second one took over and has ended again finds its slot
// free, and confirmed beyond what it knows of. Nothing in Postgres tells that from a
// slot that somebody advanced: inactive_since moves with both, and the statistics of
// the slot count whoever read it. So it halts, says what it may be, and goes on from
// the slot when it is started again: nothing is lost.
func TestRow7_SecondEndedBeforeTheFirstWakes(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 0, brisk()), "postgres", option{})
	first := b.separate(t)
	b.sample(t)
	b.exec(t, inserts(1, 100))
	b.caughtUp(t)
	first.Signal(t, syscall.SIGSTOP)
	b.launch(t)
	b.state(t, status.Streaming)
	b.exec(t, inserts(101, 300))
	b.confirmed(t)
	b.end(t)
	b.released(t)
	first.Signal(t, syscall.SIGCONT)
	first.Exits(t, status.ExitHalted, "advanced by somebody else", "another relay", "walpost recover", "start walpost again")
	b.exec(t, inserts(301, 400))
	b.start(t)
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}
