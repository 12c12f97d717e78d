package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// Pruning says which rows of the outbox may go once they are confirmed.
type Pruning struct {
	Table       pgname.Table
	Publication string
	TimeColumn  string         // when a row was written; "" with After 0
	After       time.Duration  // how old a row must be
	Batch       int            // rows that one statement deletes, at most
	Filter      catalog.Filter // rows that it leaves out are nobody's to delete here
	Partitions  bool           // partitions that are wholly old are dropped, and only rows of the default one deleted
	Default     pgname.Table   // the default partition, once it is known; zero: rows of the whole table go
	Begin       int64          // block where Pick begins: what is before it has been read in this round
}

// rows is the table that rows are deleted from.
func (p Pruning) rows() pgname.Table {
	if !p.Default.IsZero() {
		return p.Default
	}
	return p.Table
}

// PruneBatch is rows that may be deleted once the slot is confirmed up to LSN.
type PruneBatch struct {
	Rows int
	LSN  string

	tables, tids, xmins string // their places and the transactions that wrote them, as arrays
	next                int64  // block where the next batch begins
	more                bool   // there are blocks that were not read
}

// Last reports whether the batch is the last of its round.
func (b PruneBatch) Last() bool { return !b.more }

// Behind is what is left of the round behind a batch.
func (p Pruning) Behind(b PruneBatch) Pruning {
	p.Begin = b.next
	return p
}

// windowBlocks is how many blocks of each partition one statement reads: rows that
// stay at the head of a table are not read again for each batch behind them.
const windowBlocks = 4096

// Pick reads a batch, and then the insert position of the log. A statement sees only
// what has committed, and a transaction is seen only after its commit record is in
// the log: all of the batch is committed below the position. It is not the written
// or flushed position, since with synchronous_commit=off rows are seen before that.
// Rows that were not in the stream are none of the batch.
func (p Pruning) Pick(ctx context.Context, conn *pgx.Conn) (PruneBatch, error) {
	var b PruneBatch
	op := "look for rows of " + p.rows().String() + " to prune"
	s, err := p.statement(ctx, conn, p.rows())
	if err != nil {
		return b, postgres.Classify(op, err)
	}
	end := p.Begin + windowBlocks
	var blocks int64
	err = conn.QueryRow(ctx, s.with+" SELECT count(*), coalesce(array_agg(tableoid)::text, '{}'), coalesce(array_agg(ctid)::text, '{}'),"+
		" coalesce(array_agg(xmin)::text, '{}'), pg_current_wal_insert_lsn()::text,"+
		" (SELECT coalesce(max(pg_relation_size(leaf)), 0) / current_setting('block_size')::bigint FROM bounds)"+
		" FROM (SELECT r.tableoid, r.ctid, r.xmin FROM "+s.from+" r JOIN bounds b ON b.leaf = r.tableoid"+
		" WHERE r.ctid >= $3::text::tid AND r.ctid < $4::text::tid AND "+p.due("$5")+" AND "+carried+" LIMIT $6::bigint) AS picked",
		p.Table.Quoted(), p.Publication, linePointer(p.Begin), linePointer(end), p.After.Seconds(), p.Batch,
	).Scan(&b.Rows, &b.tables, &b.tids, &b.xmins, &b.LSN, &blocks)
	if b.next, b.more = p.Begin, true; b.Rows < p.Batch { // the window has no more
		b.next, b.more = end, end < blocks
	}
	return b, postgres.Classify(op, err)
}

// linePointer is the first one of a block, as the type tid is written.
func linePointer(block int64) string { return fmt.Sprintf("(%d,0)", block) }

// Delete deletes the rows of the batch that are as they were. A row in the place of
// one that is gone was written by another transaction: those that wrote the batch
// had ended when it was read. The caller has seen the slot confirmed up to its LSN.
// Nothing is deleted where that would run code of the owner of a foreign table.
func (p Pruning) Delete(ctx context.Context, conn *pgx.Conn, b PruneBatch) (int64, error) {
	op := "prune " + p.rows().String()
	from, err := catalog.ReadFrom(ctx, conn, p.rows())
	if err != nil {
		return 0, err
	}
	var deleted int64
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// The lock of a DELETE, which CREATE TRIGGER and CREATE RULE wait for.
		if _, err := tx.Exec(ctx, "LOCK TABLE "+from+" IN ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		if err := refuseForeignCode(ctx, tx, p.rows()); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "DELETE FROM "+from+" r WHERE ctid = ANY ($1::text::tid[]) AND xmin = ANY ($2::text::xid[])"+
			" AND (tableoid, ctid) IN (SELECT * FROM unnest($3::text::oid[], $1::text::tid[])) AND "+p.due("$4"),
			b.tids, b.xmins, b.tables, p.After.Seconds())
		deleted = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, postgres.Classify(op, err)
	}
	return deleted, nil
}

// due is the condition that a row is an event, and old enough; the parameter is in seconds.
func (p Pruning) due(parameter string) string {
	event := ""
	if len(p.Filter) > 0 {
		event = p.Filter.Where("r.") + " AND "
	}
	if p.After == 0 {
		return event + parameter + "::float8 = 0"
	}
	return event + "r." + pgname.Quote(p.TimeColumn) + " < now() - make_interval(secs => " + parameter + "::float8)"
}
