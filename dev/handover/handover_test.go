//go:build faults

package handover_test

import (
	"slices"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

// enough are the records that pass before the slot passes on.
const enough = 200

// relayed is an outbox that is written to, and that walpost publishes beside, into other topics.
type relayed struct {
	*outbox

	writers *writers
	beside  *clitest.Walpost

	toWalpost, toDebezium map[string]bool // what the slot would send when it was handed over
}

// publish starts a worker with a connector for each format, and the load.
func publish(t *testing.T) (w *worker, all []*relayed) {
	t.Helper()
	var outboxes []*outbox
	for _, f := range formats() {
		outboxes = append(outboxes, newOutbox(t, f))
	}
	w = newWorker(t, outboxes)
	w.start(t, outboxes)
	for _, o := range outboxes {
		o.command(t, "init", "-c", o.shadowFile)
		r := &relayed{outbox: o, beside: o.relay(t, o.shadowFile)}
		r.writers = o.write(t)
		all = append(all, r)
	}
	for _, r := range all {
		r.passes(t, enough)
	}
	return w, all
}

// each does the same with all outboxes, at the same time.
func each(t *testing.T, all []*relayed, do func(*testing.T, *relayed)) {
	t.Helper()
	done := t.Run("each", func(t *testing.T) {
		for _, r := range all {
			t.Run(r.format.name, func(t *testing.T) {
				t.Parallel()
				do(t, r)
			})
		}
	})
	if !done {
		t.FailNow()
	}
}

// takesOver lets walpost publish from the slot of the connector, until the slot is past all that the connector knows.
func (r *relayed) takesOver(t *testing.T) *clitest.Walpost {
	t.Helper()
	r.toWalpost = r.ahead(t)
	end := devstacktest.Value[string](t, r.db.Conn, "SELECT pg_current_wal_insert_lsn()::text")
	walpost := r.relay(t, r.file)
	r.passes(t, enough)
	r.movesOn(t, end)
	return walpost
}

func (r *relayed) finish(t *testing.T) {
	t.Helper()
	r.writers.end()
	r.outbox.finish(t)
	devstacktest.Await(t, "all to be beside", devstacktest.Confirmed(t, r.db.Conn, shadow+r.slot))
	r.beside.Terminate(t)
	r.beside.Exits(t, 0)
}

// A connector is stopped in order and walpost takes its slot and its publication; then walpost is stopped, and the connector
// goes on where walpost ended. At the first change the last transaction comes again, at the second nothing.
func TestStoppedInOrder(t *testing.T) {
	t.Parallel()
	w, all := publish(t)
	each(t, all, func(t *testing.T, r *relayed) {
		w.stop(t, r.outbox)
		walpost := r.takesOver(t)
		walpost.Terminate(t)
		walpost.Exits(t, 0)
		r.released(t)
		r.toDebezium = r.ahead(t)
		w.resume(t, r.outbox)
		r.passes(t, enough)
		r.finish(t)
	})
	w.Terminate(t)
	w.Exits(t, devstack.TerminatedJVM)
	for _, r := range all {
		again, nothing := r.handedOver(t)
		if !r.aLastTransaction(t, again) {
			t.Errorf("%s: walpost published %v again, want the last transaction and those that ran beside it", r.name, again)
		}
		if len(nothing) > 0 {
			t.Errorf("%s: %v came again from the connector", r.name, nothing)
		}
	}
}

// The worker and then walpost are killed with -9.
func TestKilled(t *testing.T) {
	t.Parallel()
	w, all := publish(t)
	w.Kill(t)
	var outboxes []*outbox
	for _, r := range all {
		outboxes = append(outboxes, r.outbox)
	}
	each(t, all, func(t *testing.T, r *relayed) {
		r.released(t)
		walpost := r.takesOver(t)
		walpost.Kill(t)
		r.released(t)
		r.toDebezium = r.ahead(t)
	})
	w.start(t, outboxes)
	each(t, all, func(t *testing.T, r *relayed) {
		r.passes(t, enough)
		r.finish(t)
	})
	w.Terminate(t)
	w.Exits(t, devstack.TerminatedJVM)
	for _, r := range all {
		r.handedOver(t)
	}
}

// handedOver judges all that was published, and returns the events that came again from walpost and from the connector after
// it: those that the slot sent again, all of them and nothing else.
func (r *relayed) handedOver(t *testing.T) (fromWalpost, fromDebezium []string) {
	t.Helper()
	turns := r.judge(t).turns(t)
	if len(turns) != 3 {
		t.Fatalf("%s: %d turns, want the connector, walpost, the connector", r.name, len(turns))
	}
	fromWalpost = r.again(t, turns[0], turns[1], r.toWalpost)
	fromDebezium = r.again(t, turns[1], turns[2], r.toDebezium)
	return fromWalpost, fromDebezium
}

// again are the events that two turns published, which must be those that the slot had ahead.
func (o *outbox) again(t *testing.T, one, other, ahead map[string]bool) []string {
	t.Helper()
	ids, expected := both(one, other), both(one, ahead)
	t.Logf("%s: %d events came again", o.name, len(ids))
	if !slices.Equal(ids, expected) {
		t.Errorf("%s: %d events came again, and the slot had %d of them", o.name, len(ids), len(expected))
	}
	return ids
}
