//go:build faults

package faults_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/status"
)

// A server that crashes ten times in a row: nothing lost or repeated, and the log
// has a few lines for each crash, not a storm.
func TestRow12_CrashLoop(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 0, nil), "postgres", option{})
	b.start(t)
	b.sample(t)
	w := b.write(t)
	const crashes = 10
	for i := range crashes {
		b.passes(t, 50)
		if err := b.server.Stop(t.Context(), devstack.StopImmediate); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 { // it stays away for some attempts
			b.until(t, "the relay to notice", func() bool { return b.relay.Status().State == status.Connecting })
		}
		if err := b.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.passes(t, 50)
	w.end()
	b.reconnect(t, b.server)
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
	const linesEach = 8 // lost, connecting, verifying, streaming, there again, and the guard's
	if n := b.log.Len(); n > crashes*linesEach+20 {
		t.Errorf("%d lines were logged in %d crashes", n, crashes)
	}
}
