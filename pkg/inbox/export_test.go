package inbox

import (
	"context"
	"time"
)

// Attempt makes one attempt at an event, as a consumer without a retry topic does.
func Attempt[Tx any](ctx context.Context, store Store[Tx], e *Event, handle Handler[Tx]) error {
	config := withDefaults(Config{})
	u := &unit[Tx]{store: store, handle: handle, table: config.Table, sql: statementsOf(&config)}
	a := NewAttempt(ctx, time.Minute)
	defer a.Close()
	_, err := u.one(a.attempt, e)
	return err
}

// TableFix returns what mends a table for which Postgres gave this error.
func TableFix(table string, err error) string {
	u := &unit[int]{table: table}
	return u.tableFix(err)
}

// Attempted is the time of an attempt.
type Attempted struct{ *attempt }

// NewAttempt returns an attempt that has not begun.
func NewAttempt(session context.Context, timeout time.Duration) Attempted {
	return Attempted{newAttempt(session, timeout)}
}

// Begun begins it.
func (a Attempted) Begun() (context.Context, context.CancelFunc) { return a.begun() }

// Close ends it.
func (a Attempted) Close() { a.close() }
