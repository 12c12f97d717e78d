package audit

import (
	"context"

	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/safetext"
)

// readTable takes the ids of the range as of one snapshot.
func (a *audit) readTable(ctx context.Context) error {
	q := outboxtable.NewQuery(a.Config, a.table)
	if column := a.timeColumn(); column != "" {
		if !a.Since.IsZero() {
			q.FromOrNull(column, a.Since)
		}
		if !a.Until.IsZero() {
			q.UntilOrNull(column, a.Until)
		}
	}
	var set idSet
	lsn, err := a.scan(ctx, q, func(id []byte) {
		a.report.Rows++
		set.add(hashID(id))
	})
	a.report.LSN = lsn
	a.rows = set.sort()
	return err
}

// scan calls row for the id of each row, and returns a position of the WAL behind every
// commit that the rows show.
func (a *audit) scan(ctx context.Context, q *outboxtable.Query, row func(id []byte)) (lsn string, err error) {
	if _, err := a.conn.Exec(ctx, "BEGIN READ ONLY, ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return "", postgres.Classify("begin", err)
	}
	if err := a.conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&lsn); err != nil {
		return "", postgres.Classify("read the position of the WAL", err)
	}
	c, err := q.Open(ctx, a.conn, "walpost_audit", a.Config.Outbox.ID)
	if err != nil {
		return "", err
	}
	err = c.All(ctx, func(columns pgoutput.Tuple) error {
		id, err := a.id.text(a.relation, columns...)
		if err == nil && id != nil { // NULL has nothing to compare
			row(id)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	_, err = a.conn.Exec(ctx, "COMMIT")
	return lsn, postgres.Classify("end the snapshot", err)
}

// readTableAgain finds the rows of the ids that were in the topics only: they
// were committed since, lie outside the range, or were events before outbox.filter. It names what is missing too.
func (a *audit) readTableAgain(ctx context.Context) error {
	r := a.report
	for i, seen := range a.rows.seen {
		switch {
		case seen:
		case a.waiting[a.rows.hashes[i]]:
			r.InFlight++
		default:
			r.Missing++
		}
	}
	if r.Missing == 0 {
		r.Settled = true // there is nothing that could be on its way
	} else if len(a.shortened) > 0 {
		r.note("retention has removed the first records of %v: rows of that time are counted as missing", a.shortened)
	}
	if r.Missing == 0 && len(a.unknown) == 0 {
		return nil
	}
	_, err := a.scan(ctx, outboxtable.NewQueryOfAll(a.Config, a.table), func(id []byte) {
		h := hashID(id)
		delete(a.unknown, h)
		if i, ok := a.rows.find(h); ok && !a.rows.seen[i] && !a.waiting[h] && len(r.MissingIDs) < a.Examples {
			r.MissingIDs = append(r.MissingIDs, safetext.TruncateName(id))
		}
	})
	for _, id := range a.unknown {
		r.Phantom++
		if len(r.PhantomIDs) < a.Examples && id != "" {
			r.PhantomIDs = append(r.PhantomIDs, safetext.TruncateName(id))
		}
	}
	return err
}
