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
	h := newHarnessOn(t, ownServer(t, 0, nil), nil)
	h.Start(t)
	h.sample(t)
	w := h.write(t)
	const crashes = 10
	for i := range crashes {
		h.Passes(t, 50)
		if err := h.DB.Server.Stop(t.Context(), devstack.StopImmediate); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 { // it stays away for some attempts
			h.Until(t, "the relay to notice", func() bool { return h.Status().State == status.Connecting })
		}
		if err := h.DB.Server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.Passes(t, 50)
	w.end()
	h.Reconnect(t, h.DB.Server)
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
	const linesEach = 8 // lost, connecting, verifying, streaming, there again, and the guard's
	if n := h.Log.Len(); n > crashes*linesEach+20 {
		t.Errorf("%d lines were logged in %d crashes", n, crashes)
	}
}
