package retention

import (
	"context"
	"fmt"
)

// Prune deletes rows that the slot has confirmed, and returns how many, also with an
// error. Run it from time to time; two at once do no harm. Each batch is a transaction
// of its own.
//
// How a row is known to be confirmed: one statement reads up to Config.Batch rows and
// then the position L of the write-ahead log. Whatever it sees is committed, with its
// commit record below L. Prune waits until the slot's confirmed_flush_lsn is at L or
// beyond, when the relay has published all of that, and only then deletes these rows,
// by their ids and places. What others write meanwhile stays, whatever they take the
// time for.
//
// It ends when fewer than Config.Batch rows were left. It returns [ErrNotConfirmed]
// when the relay is further behind than Config.Wait, and [ErrNoSlot] without the slot.
// The role needs SELECT and DELETE on the table.
func (p *Pruner) Prune(ctx context.Context, db DB) (deleted int64, err error) {
	from, err := p.from(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("outbox: prune %s: %w", p.table.Quoted(), err)
	}
	for {
		batch, err := p.pick(ctx, db, from)
		if err != nil {
			return deleted, fmt.Errorf("outbox: prune %s: %w", p.table.Quoted(), err)
		}
		if batch.rows == 0 {
			return deleted, p.requireSlot(ctx, db)
		}
		if err := p.awaitConfirmed(ctx, db, batch.lsn); err != nil {
			return deleted, err
		}
		n, err := p.remove(ctx, db, from, batch)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("outbox: prune %s: %w", p.table.Quoted(), err)
		}
		if batch.rows < p.config.Batch {
			return deleted, nil
		}
	}
}

// batch is rows that may be deleted once lsn is confirmed: their ids and places as
// the texts of arrays.
type batch struct {
	rows      int
	ids, tids string
	lsn       string
}

// from returns the table as the statements name it. Of a plain table they say ONLY: rows
// of tables that inherit from it are not the relay's, and not confirmed by the slot.
func (p *Pruner) from(ctx context.Context, db DB) (string, error) {
	var partitioned bool
	err := db.queryRow(ctx, []any{&partitioned}, "SELECT coalesce((SELECT relkind = 'p' FROM pg_class WHERE oid = "+
		"to_regclass($1::text)), false)", p.table.Quoted())
	if err != nil || partitioned {
		return p.table.Quoted(), err
	}
	return "ONLY " + p.table.Quoted(), nil
}

// pick reads one batch, and the position after it.
func (p *Pruner) pick(ctx context.Context, db DB, from string) (b batch, err error) {
	old, args := "", []any{p.config.Batch}
	if p.config.Keep > 0 {
		old = " WHERE " + p.createdAt + " < now() - make_interval(secs => $2::double precision)"
		args = append(args, p.config.Keep.Seconds())
	}
	query := "SELECT count(*), coalesce(array_agg(id)::text, '{}'), coalesce(array_agg(ctid)::text, '{}'), " + position +
		" FROM (SELECT " + p.id + "::text AS id, ctid FROM " + from + old + " LIMIT $1::bigint) AS picked"
	return b, db.queryRow(ctx, []any{&b.rows, &b.ids, &b.tids, &b.lsn}, query, args...)
}

// remove deletes a batch. The place finds the row without an index; the id keeps
// safe what has come into the place of a row that is gone.
func (p *Pruner) remove(ctx context.Context, db DB, from string, b batch) (n int64, err error) {
	err = db.transact(ctx, func(t tx) (err error) {
		n, err = t.exec(ctx, "DELETE FROM "+from+" WHERE ctid = ANY ($1::text::tid[]) AND "+p.id+"::text = ANY ($2::text::text[])", b.tids,
			b.ids)
		return err
	})
	if err != nil {
		return 0, err // rolled back
	}
	return n, nil
}
