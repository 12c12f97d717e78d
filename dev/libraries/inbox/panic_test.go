package inbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/pkg/inbox"
)

// A panic of what the service gives beside its handler ends Run with the event's place, and
// not the process.
func TestPanicsEndRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*inbox.Config)
		words  string
	}{
		"Classify": {func(c *inbox.Config) { c.Classify = func(error) inbox.Class { panic("moon") } }, "Config.Classify: panic: moon"},
		"Observer": {func(c *inbox.Config) {
			c.Observers = append(c.Observers, inbox.ObserverFunc(func(o inbox.Observation) {
				if o.Kind == inbox.KindRetrying {
					panic("moon")
				}
			}))
		}, `observer of "retrying": panic: moon`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			f.events(t, 0, 1, 1)
			config := f.config(t)
			c.change(&config)
			m := f.start(t, config, func(context.Context, pgx.Tx, *inbox.Event) error { return errors.New("failed") })
			m.stopsWith(t, nil, c.words)
			if !strings.Contains(m.err.Error(), "/0 offset 0") {
				t.Error(m.err)
			}
		})
	}
	t.Run("DB", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, 1)
		f.events(t, 0, 1, 1)
		db := inbox.Pgx(f.pool)
		db.Exec = func(context.Context, pgx.Tx, string, ...any) (int64, error) { panic("moon") }
		consumer, err := inbox.New(f.config(t), db, func(context.Context, pgx.Tx, *inbox.Event) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		run(t, consumer).stopsWith(t, nil, "DB: panic: moon")
	})
}
