package inbox_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// What a newcomer does wrong is in the log, with what to do.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before  string
		handler inbox.Handler[pgx.Tx]
		words   []string
	}{
		"no inbox table": {"DROP TABLE inbox", record, []string{
			"insert into the inbox table (create the table: inbox.DDL", "SQLSTATE 42P01", "offset=oldest",
		}},
		"the handler commits": {"", func(ctx context.Context, tx pgx.Tx, _ *inbox.Event) error { return tx.Commit(ctx) }, []string{
			"commit (the handler must not end the transaction",
		}},
		"the handler ignores an error": {"", func(ctx context.Context, tx pgx.Tx, _ *inbox.Event) error {
			_, _ = tx.Exec(ctx, "SELECT 1 / 0")
			return nil
		}, []string{"commit (the handler must not end the transaction, nor ignore an error of the database): *errors.errorString"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			if test.before != "" {
				f.Exec(t, test.before)
			}
			var log devstacktest.Output
			config := f.config(t)
			config.Observers = append(config.Observers, inbox.Log(slog.New(slog.NewTextHandler(&log, nil))))
			m := f.start(t, config, test.handler)
			f.events(t, 0, 1, 1)
			devstacktest.Await(t, "the words", func() bool {
				for _, word := range test.words {
					if !strings.Contains(log.String(), word) {
						return false
					}
				}
				return true
			})
			m.stop()
			devstacktest.Receive(t, "the end of Run", m.done)
		})
	}
}

// A driver that keeps prepared statements behind a pooler in transaction mode is no fault of a
// record, however often it fails.
func TestPoolerCostsNoRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	var log devstacktest.Output
	config := f.config(t)
	config.Retry = inbox.Retry{Attempts: 2, First: time.Millisecond, Max: time.Millisecond}
	config.Observers = append(config.Observers, inbox.Log(slog.New(slog.NewTextHandler(&log, nil))))
	calls := 0
	m := f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if calls++; calls < 6 {
			return &pgconn.PgError{Code: []string{"42P05", "26000"}[calls%2]}
		}
		return record(ctx, tx, e)
	})
	f.events(t, 0, 1, 1)
	f.await(t, 1)
	m.end(t)
	if records, _ := f.letters(t); len(records) > 0 {
		t.Errorf("%d dead letters", len(records))
	}
	if !strings.Contains(log.String(), "default_query_exec_mode=exec") {
		t.Errorf("the log lacks what to do: %s", log.String())
	}
}
