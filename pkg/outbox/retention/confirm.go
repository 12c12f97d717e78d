package retention

import (
	"context"
	"fmt"
	"time"
)

// position is the end of the write-ahead log when it is called, which Postgres does
// while a statement runs: after the statement's snapshot was taken. What that
// snapshot sees is committed, so its commit record is below the position. It is the
// insert position, not the written or flushed one, since a transaction with
// synchronous_commit=off is seen before its commit record is written.
const position = "pg_current_wal_insert_lsn()::text"

// awaitConfirmed returns nil once the slot has confirmed the LSN, and ErrNotConfirmed
// if it has not within Config.Wait.
func (p *Pruner) awaitConfirmed(ctx context.Context, db DB, lsn string) error {
	return p.await(ctx, db.queryRow, lsn, p.config.Wait)
}

// requireSlot reads the slot once, so that a wrong name does not go unseen as long as
// there is nothing to prune.
func (p *Pruner) requireSlot(ctx context.Context, db DB) error {
	const lowest, once = "0/0", -1
	return p.await(ctx, db.queryRow, lowest, once)
}

// queryRow reads one row, outside of a transaction or in one that is open.
type queryRow func(ctx context.Context, into []any, query string, args ...any) error

func (p *Pruner) await(ctx context.Context, read queryRow, lsn string, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	const often = 50 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		var found, reached bool
		var confirmed string
		err := read(ctx, []any{&found, &confirmed, &reached}, `SELECT count(*) > 0, coalesce(min(confirmed_flush_lsn::text), 'nothing'),
				coalesce(bool_and(confirmed_flush_lsn >= $1::text::pg_lsn), false)
			FROM pg_replication_slots WHERE slot_name = $2::text AND slot_type = 'logical'
				AND database = current_database()`, lsn, p.config.Slot)
		switch {
		case err != nil:
			return fmt.Errorf("outbox: read slot %q: %w", p.config.Slot, err)
		case !found:
			return fmt.Errorf("outbox: slot %q: %w", p.config.Slot, ErrNoSlot)
		case reached:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("outbox: slot %q is at %s and must reach %s: %w", p.config.Slot, confirmed, lsn, ErrNotConfirmed)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
