package recover_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Making the new slot takes as long as a transaction is writing. The log names it, and
// who gives up leaves no slot.
func TestRecoverNamesWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	core, logs := observer.New(zap.WarnLevel)
	r, err := recover.Open(t.Context(), recover.Options{Config: f.Config, Rows: recover.Selection{All: true}, Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.WithoutCancel(t.Context())) })
	plan, err := r.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	open := devstacktest.Database{Conn: devstacktest.Connect(t, f.DB.Server, f.DB.Name)}
	go func() {
		_, err := r.Run(ctx, plan, func(s recover.Stage, _ recover.Result) {
			if s == recover.Begun { // the publication is there, and the slot is not
				_, err := open.Conn.Exec(ctx, "BEGIN; "+relaytest.Insert("k", 1))
				if err != nil {
					t.Error(err)
				}
			}
		})
		done <- err
	}()
	devstacktest.Await(t, "the log to name the transaction", func() bool {
		return logs.Filter(func(e observer.LoggedEntry) bool {
			return strings.Contains(e.Message, "waiting for ") && strings.Contains(e.Message, " in database ")
		}).Len() > 0
	})
	cancel()
	if err := devstacktest.Receive(t, "the recovery to end", done); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	open.Exec(t, "COMMIT")
	if slots := f.Slots(t); slots != "" {
		t.Errorf("slots %s", slots)
	}
}
