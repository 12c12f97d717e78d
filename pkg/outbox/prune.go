package outbox

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/internal/pgname"
)

// Prune deletes from public.outbox, as the zero [Config] has it. See
// [Outbox.Prune].
func Prune(ctx context.Context, db DB, retention Retention) (deleted int64, err error) {
	o, err := New(Config{})
	if err != nil {
		return 0, err
	}
	return o.Prune(ctx, db, retention)
}

// Prune deletes rows that the slot has confirmed, which the relay does only for
// what Kafka has acknowledged. It says how many, also with an error. Run it from
// time to time; two at once do no harm. Give it a pool, not a transaction: each
// batch is one of its own.
//
// How a row is known to be confirmed: one statement reads up to Retention.Batch
// rows and then the position L of the write-ahead log. Whatever it sees is
// committed, with its commit record below L. Prune waits until the slot's
// confirmed_flush_lsn is at L or beyond, when the relay has published all of that,
// and only then deletes these rows, by their ids and places. What others write
// meanwhile stays, whatever they take the time for.
//
// It ends when fewer than Retention.Batch rows were left, and returns
// [ErrNotConfirmed] when the relay is further behind than Retention.Wait, and
// [ErrNoSlot] without the slot. The role needs SELECT and DELETE on the table.
func (o *Outbox) Prune(ctx context.Context, db DB, retention Retention) (deleted int64, err error) {
	r := retention.withDefaults()
	if r.Keep > 0 && o.config.Columns.CreatedAt == "" {
		return 0, badConfig("Retention.Keep wants Columns.CreatedAt")
	}
	from, err := o.from(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("outbox: prune %s: %w", o.table.Quoted(), err)
	}
	for {
		batch, err := o.pick(ctx, db, from, r)
		if err != nil {
			return deleted, fmt.Errorf("outbox: prune %s: %w", o.table.Quoted(), err)
		}
		if batch.rows == 0 {
			return deleted, mustExist(ctx, db, r.Slot)
		}
		if err := awaitConfirmed(ctx, db, r.Slot, batch.lsn, r.Wait); err != nil {
			return deleted, err
		}
		n, err := o.remove(ctx, db, from, batch)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("outbox: prune %s: %w", o.table.Quoted(), err)
		}
		if batch.rows < r.Batch {
			return deleted, nil
		}
	}
}

// mustExist looks at the slot once, so that a wrong name does not go unseen as long
// as there is nothing to prune.
func mustExist(ctx context.Context, db DB, slot string) error {
	const lowest, once = "0/0", -1
	return awaitConfirmed(ctx, db, slot, lowest, once)
}

// batch is rows that may be deleted once lsn is confirmed: their ids and places as
// the texts of arrays.
type batch struct {
	rows      int
	ids, tids string
	lsn       string
}

// from is the table as the statements name it. Of a plain table they say ONLY: rows of
// tables that inherit from it are not the relay's, and not confirmed by the slot.
func (o *Outbox) from(ctx context.Context, db DB) (string, error) {
	var partitioned bool
	err := queryRow(ctx, db, []any{&partitioned}, "SELECT coalesce((SELECT relkind = 'p' FROM pg_class WHERE oid = "+
		"to_regclass($1::text)), false)", o.table.Quoted())
	if err != nil || partitioned {
		return o.table.Quoted(), err
	}
	return "ONLY " + o.table.Quoted(), nil
}

// pick reads one batch, and the position after it.
func (o *Outbox) pick(ctx context.Context, db DB, from string, r Retention) (b batch, err error) {
	old, args := "", []any{r.Batch}
	if r.Keep > 0 {
		old = " WHERE " + pgname.Quote(o.config.Columns.CreatedAt) + " < now() - make_interval(secs => $2::double precision)"
		args = append(args, r.Keep.Seconds())
	}
	query := "SELECT count(*), coalesce(array_agg(id)::text, '{}'), coalesce(array_agg(ctid)::text, '{}'), " + position +
		" FROM (SELECT " + pgname.Quote(o.columns[indexID].name) + " AS id, ctid FROM " + from + old + " LIMIT $1::bigint) AS picked"
	return b, queryRow(ctx, db, []any{&b.rows, &b.ids, &b.tids, &b.lsn}, query, args...)
}

// remove deletes a batch. The place finds the row without an index; the id keeps
// safe what has come into the place of a row that is gone.
func (o *Outbox) remove(ctx context.Context, db DB, from string, b batch) (int64, error) {
	id := o.columns[indexID]
	result, err := db.ExecContext(ctx, "DELETE FROM "+from+" WHERE ctid = ANY ($1::text::tid[]) AND "+
		pgname.Quote(id.name)+" = ANY ($2::text::"+id.cast+"[])", b.tids, b.ids)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
