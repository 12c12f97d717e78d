package relaytest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/status"
)

// Load reads a configuration as `run` would. A test on real servers takes a Harness.
func Load(t testing.TB, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Load(configtest.File(t, yaml))
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
	r, err := assemble.Relay(cfg, Observer{}, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err != nil {
		t.Fatal(err)
	}
	return Run(t, r)
}

// End asks for a planned stop and returns what Run returned.
func (r *Running) End(t testing.TB) error {
	t.Helper()
	close(r.stop)
	return r.Wait(t)
}

// Wait returns what Run returned.
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

// Condition waits until the relay reports a condition, and returns it.
func (r *Running) Condition(t testing.TB, name string) (found status.Condition) {
	t.Helper()
	r.Until(t, "condition "+name, func() bool {
		conditions := r.Report("").Conditions
		at := slices.IndexFunc(conditions, func(c status.Condition) bool { return c.Name == name })
		if at >= 0 {
			found = conditions[at]
		}
		return at >= 0
	})
	return found
}

// Halts waits for the end, which must be a halt with an exit code and a hint that holds these words and no secret.
func (r *Running) Halts(t testing.TB, code int, words ...string) {
	t.Helper()
	err := r.Wait(t)
	halt, is := errors.AsType[*status.Halt](err)
	if !is || halt.Code != code {
		t.Fatalf("ended with %v, want a halt with exit code %d", err, code)
	}
	t.Log(halt)
	devstacktest.KeepsSecret(t, "the halt", halt.Error())
	for _, word := range words {
		if !strings.Contains(halt.Error(), word) {
			t.Errorf("halted with %q, in which there is no %q", halt, word)
		}
	}
	if halt.Hint == "" {
		t.Errorf("halted with %q and no hint", halt)
	}
}
