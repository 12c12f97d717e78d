package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/walpost/walpost/internal/pgname"
)

// partitionSuffix is what a partition's name has after the table's: the day in UTC.
const partitionSuffix = "_p20060102"

// briefly is how long writers may be held up while a partition comes or goes. It is
// below deadlock_timeout (1 s by default), so that in a deadlock with a writer it
// is this side that gives way.
const briefly = 500 * time.Millisecond

// lockTimeout is how long the statements that follow may wait for a lock.
func lockTimeout(d time.Duration) string {
	return fmt.Sprintf("SET LOCAL lock_timeout = %d", max(d.Milliseconds(), 1)) // 0 would be for ever
}

// CreatePartitions makes the partitions of so many days from the day of the time
// on, in UTC. Those that are there stay as they are. Call it daily for some days
// ahead. It fails with the server's error when the default partition has rows of
// the day, or when it would hold up others for long. The role must own the table.
func (o *Outbox) CreatePartitions(ctx context.Context, db DB, from time.Time, days int) error {
	if !o.config.Partitioned {
		return badConfig("CreatePartitions wants Partitioned")
	}
	first := from.UTC().Truncate(24 * time.Hour)
	for i := range days {
		day := first.AddDate(0, 0, i)
		if err := o.createPartition(ctx, db, day); err != nil {
			return fmt.Errorf("outbox: create partition %s: %w", o.partition(day).Quoted(), err)
		}
	}
	return nil
}

func (o *Outbox) partition(day time.Time) pgname.Table {
	return pgname.Table{Schema: o.table.Schema, Name: o.table.Name + day.Format(partitionSuffix)}
}

// createPartition makes the table first and attaches it then, which does not lock
// out those who write into other partitions. The advisory lock is for others who do
// the same.
func (o *Outbox) createPartition(ctx context.Context, db DB, day time.Time) error {
	return inTx(ctx, db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1::text))", "walpost outbox "+o.table.Quoted())
		if err != nil {
			return err
		}
		partition, bound := o.partition(day), "2006-01-02 00:00:00+00"
		var there bool
		if err := queryRow(ctx, tx, []any{&there}, "SELECT to_regclass($1::text) IS NOT NULL", partition.Quoted()); err != nil || there {
			return err
		}
		return execAll(ctx, tx, lockTimeout(briefly),
			fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)", partition.Quoted(), o.table.Quoted()),
			fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')",
				o.table.Quoted(), partition.Quoted(), day.Format(bound), day.AddDate(0, 0, 1).Format(bound)))
	})
}

// DropPartitions drops the partitions that lie wholly further back than
// Retention.Keep and whose every row the slot has confirmed, and gives their names.
// All of them go, or none with an error. The default partition stays: Prune it.
//
// It locks them against writers first, which waits for those who are at it, for
// Retention.Wait at most, and reads the position L of the write-ahead log then: all that the partitions hold is
// committed below L. It drops them once the slot's confirmed_flush_lsn is at L or
// beyond, and returns [ErrNotConfirmed] if that takes longer than Retention.Wait.
// Writers of today's events are held up at most half a second, by the drop itself.
// The role must own the table.
func (o *Outbox) DropPartitions(ctx context.Context, db DB, retention Retention) (dropped []string, err error) {
	if !o.config.Partitioned {
		return nil, badConfig("DropPartitions wants Partitioned")
	}
	r := retention.withDefaults()
	err = inTx(ctx, db, func(tx *sql.Tx) error {
		if dropped, err = o.oldPartitions(ctx, tx, r.Keep); err != nil || len(dropped) == 0 {
			return err
		}
		list := strings.Join(dropped, ", ")
		if err := execAll(ctx, tx, lockTimeout(r.Wait), "LOCK TABLE "+list+" IN SHARE MODE"); err != nil {
			return err
		}
		var lsn string
		if err := queryRow(ctx, tx, []any{&lsn}, "SELECT "+position); err != nil {
			return err
		}
		if err := awaitConfirmed(ctx, tx, r.Slot, lsn, r.Wait); err != nil {
			return err
		}
		return execAll(ctx, tx, lockTimeout(briefly), "DROP TABLE "+list)
	})
	if err != nil {
		return nil, fmt.Errorf("outbox: drop partitions of %s: %w", o.table.Quoted(), err)
	}
	return dropped, nil
}

// oldPartitions lists partitions by their upper bounds, whoever made them. The
// bound is printed and read by the same session, whatever its settings are.
func (o *Outbox) oldPartitions(ctx context.Context, tx *sql.Tx, keep time.Duration) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM (
			SELECT format('%I.%I', n.nspname, c.relname) AS name,
				(regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz AS until
			FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE i.inhparent = $1::text::regclass) AS partitions
		WHERE until <= now() - make_interval(secs => $2::double precision) ORDER BY until`, o.table.Quoted(), keep.Seconds())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is in rows.Err
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// inTx runs do in a transaction, which is rolled back when do fails. It sees what
// others commit meanwhile, whatever the database's default is.
func inTx(ctx context.Context, db DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		if end := tx.Rollback(); end != nil && !errors.Is(end, sql.ErrTxDone) {
			return errors.Join(err, end)
		}
		return err
	}
	return tx.Commit()
}

func execAll(ctx context.Context, tx *sql.Tx, statements ...string) error {
	for _, query := range statements {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
