package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Retention says what may be removed from the outbox.
type Retention struct {
	// Slot is the relay's replication slot, `postgres.slot`: nothing is removed that
	// it has not confirmed. Required.
	//
	// The slot's word is all there is. Rows from before the slot was made count as
	// confirmed, though nobody published them: after a slot was lost and made anew,
	// publish the rows in between again before you prune, or set Keep long enough to
	// notice.
	Slot string

	// Keep is the age below which rows stay, by Columns.CreatedAt. Zero deletes rows as
	// soon as they are confirmed.
	Keep time.Duration

	// Wait is how long to wait for the slot to confirm the rows that are in the table:
	// more than the relay is usually behind. Defaults to 10 s; a negative duration reads
	// the slot once.
	Wait time.Duration

	// Batch is how many rows Prune deletes in one statement. Defaults to 5,000.
	Batch int
}

const (
	defaultWait  = 10 * time.Second
	defaultBatch = 5000
)

func (r Retention) withDefaults() Retention {
	if r.Wait == 0 {
		r.Wait = defaultWait
	}
	if r.Batch <= 0 {
		r.Batch = defaultBatch
	}
	return r
}

// queryer is a *sql.Tx or a DB.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// position is the end of the write-ahead log when it is called, which Postgres does
// while a statement runs: after the statement's snapshot was taken. What that
// snapshot sees is committed, so its commit record is below the position. It is the
// insert position, not the written or flushed one, since a transaction with
// synchronous_commit=off is seen before its commit record is written.
const position = "pg_current_wal_insert_lsn()::text"

// awaitConfirmed returns nil once the slot has confirmed the LSN, and
// ErrNotConfirmed if it has not within the time.
func awaitConfirmed(ctx context.Context, db queryer, slot, lsn string, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	const often = 50 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		var confirmed string
		var reached bool
		err := queryRow(ctx, db, []any{&confirmed, &reached}, `SELECT coalesce(confirmed_flush_lsn::text, 'nothing'),
				coalesce(confirmed_flush_lsn >= $1::pg_lsn, false)
			FROM pg_replication_slots WHERE slot_name = $2::text AND slot_type = 'logical' AND database = current_database()`, lsn, slot)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("outbox: slot %q: %w", slot, ErrNoSlot)
		case err != nil:
			return fmt.Errorf("outbox: read slot %q: %w", slot, err)
		case reached:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("outbox: slot %q is at %s and must reach %s: %w", slot, confirmed, lsn, ErrNotConfirmed)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// queryRow reads the first row, or gives sql.ErrNoRows. When the context has ended
// it gives its cause: not every driver wraps it.
func queryRow(ctx context.Context, db queryer, into []any, query string, args ...any) (err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is in rows.Err
	if !rows.Next() {
		return errors.Join(rows.Err(), sql.ErrNoRows)
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return rows.Close()
}
