package provision

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// Limits of one drop. The second lock timeout is below deadlock_timeout (1 s by
// default), so that in a deadlock with a writer it is this side that gives way.
const (
	mostDropped = 10
	lockQuiet   = "SET LOCAL lock_timeout = '2s'"    // for old partitions, which nobody writes to
	lockBusy    = "SET LOCAL lock_timeout = '500ms'" // for the drop, which all writers wait for
)

// oldPartitionsQuery finds them by their upper bounds, whoever made them. A bound
// is printed and read by the same session.
const oldPartitionsQuery = `
SELECT name FROM (
  SELECT format('%I.%I', n.nspname, c.relname) AS name,
			(regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz AS until
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.inhparent = $1::text::regclass) AS partitions
WHERE until <= now() - make_interval(secs => $2::float8) ORDER BY until`

// DropPartitions drops partitions that lie wholly further back than After, some at a
// time, and gives their names; none when confirmed says no. They are locked against
// writers first, and confirmed is asked about the position of the log then: all that
// they hold is committed below it.
func (p Pruning) DropPartitions(ctx context.Context, conn *pgx.Conn,
	confirmed func(lsn string) (bool, error),
) (dropped []string, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, oldPartitionsQuery, p.Table.Quoted(), p.After.Seconds())
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(names) == 0 {
			return err
		}
		if names, err = p.wholly(ctx, tx, names); err != nil || len(names) == 0 {
			return err
		}
		list := strings.Join(names, ", ") // quoted by the server
		if _, err := tx.Exec(ctx, lockQuiet+"; LOCK TABLE "+list+" IN SHARE MODE"); err != nil {
			return err
		}
		var lsn string
		if err := tx.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&lsn); err != nil {
			return err
		}
		if yes, err := confirmed(lsn); err != nil || !yes {
			return err
		}
		if _, err := tx.Exec(ctx, lockBusy+"; DROP TABLE "+list); err != nil {
			return err
		}
		dropped = names
		return nil
	})
	if err != nil {
		return nil, postgres.Classify("drop partitions of "+p.Table.String(), err)
	}
	return dropped, nil
}

// wholly returns the first partitions of which every row was in the stream. Rows that are
// written into them from now on are in the stream anyway.
func (p Pruning) wholly(ctx context.Context, tx pgx.Tx, names []string) (list []string, err error) {
	major, err := postgres.MajorVersion(tx.Conn().PgConn())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var stays bool
		sql := carriedWith(major) + " SELECT EXISTS (SELECT FROM " + name +
			" r LEFT JOIN bounds b ON b.leaf = r.tableoid WHERE NOT coalesce(" + carried + ", false))"
		if err := tx.QueryRow(ctx, sql, p.Table.Quoted(), p.Publication).Scan(&stays); err != nil {
			return nil, err
		}
		if stays {
			continue
		}
		if list = append(list, name); len(list) == mostDropped {
			break
		}
	}
	return list, nil
}

// DefaultPartition is the partition that takes what fits no other; zero: none.
func (p Pruning) DefaultPartition(ctx context.Context, conn *pgx.Conn) (pgname.Table, error) {
	var t pgname.Table
	err := conn.QueryRow(ctx, `SELECT n.nspname, c.relname FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partdefid
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.partrelid = $1::text::regclass`, p.Table.Quoted()).Scan(&t.Schema, &t.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return pgname.Table{}, nil
	}
	return t, postgres.Classify("look for the default partition of "+p.Table.String(), err)
}
