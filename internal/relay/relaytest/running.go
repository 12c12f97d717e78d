// Package relaytest runs a relay within a test, from a configuration as `run` would read it. It has the outbox table and
// the events that tests of several packages write, and compares what was committed with what is in Kafka. It knows a
// relay by its exported names only; what a test asks of it is the test's own matter.
package relaytest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/status"
)

// Load writes a configuration file and reads it as `run` would.
func Load(t testing.TB, yaml string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "walpost.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Running is a relay that runs.
type Running struct {
	*relay.Relay

	Cancel context.CancelFunc // ends it at once

	stop chan struct{}
	done chan error // what Run returned, then closed
}

// Run runs a relay until it ends, at the latest with the test.
func Run(t testing.TB, r *relay.Relay) *Running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	run := &Running{Relay: r, Cancel: cancel, stop: make(chan struct{}), done: make(chan error, 1)}
	go func() {
		run.done <- r.Run(ctx, run.stop)
		close(run.done)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the relay is %+v", r.Status())
		}
		cancel()
		for range run.done { // until it has ended
		}
	})
	return run
}

// Start runs a relay that nobody observes, and that logs warnings to the test.
func Start(t testing.TB, cfg *config.Config) *Running {
	t.Helper()
	r, err := relay.New(cfg, Observer{}, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err != nil {
		t.Fatal(err)
	}
	return Run(t, r)
}

// End asks for a planned stop and gives what Run returned.
func (r *Running) End(t testing.TB) error {
	t.Helper()
	close(r.stop)
	return r.Wait(t)
}

// Wait gives what Run returned.
func (r *Running) Wait(t testing.TB) error {
	t.Helper()
	return devstacktest.Receive(t, "the relay to end", r.done)
}

// Until waits for a condition, which must come true while the relay runs.
func (r *Running) Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	devstacktest.Await(t, what, func() bool {
		select {
		case err := <-r.done:
			t.Fatalf("waiting for %s: the relay ended: %v", what, err)
		default:
		}
		return ok()
	})
}

// State waits for a state.
func (r *Running) State(t testing.TB, want status.State) {
	t.Helper()
	r.Until(t, string(want), func() bool { return r.Status().State == want })
}
