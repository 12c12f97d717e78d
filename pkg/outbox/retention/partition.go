package retention

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// partitionSuffix is what the name of a partition has after that of the table: the day
// in UTC, as a layout of package time. outbox.New keeps room for it.
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
func (p *Pruner) CreatePartitions(ctx context.Context, db DB, from time.Time, days int) error {
	if !p.config.Outbox.Partitioned {
		return bad("Outbox.Partitioned", "CreatePartitions wants a partitioned table")
	}
	first := from.UTC().Truncate(24 * time.Hour)
	for i := range days {
		day := first.AddDate(0, 0, i)
		if err := p.createPartition(ctx, db, day); err != nil {
			return fmt.Errorf("outbox: create partition %s: %w", p.partition(day).Quoted(), err)
		}
	}
	return nil
}

func (p *Pruner) partition(day time.Time) pgname.Table {
	return pgname.Table{Schema: p.table.Schema, Name: p.table.Name + day.Format(partitionSuffix)}
}

// createPartition makes the table first and attaches it then, which does not lock
// out those who write into other partitions. The advisory lock is for others who do
// the same.
func (p *Pruner) createPartition(ctx context.Context, db DB, day time.Time) error {
	return db.transact(ctx, func(t tx) error {
		_, err := t.exec(ctx, "SELECT pg_advisory_xact_lock(hashtext($1::text))", "walpost outbox "+p.table.Quoted())
		if err != nil {
			return err
		}
		partition, bound := p.partition(day), "2006-01-02 00:00:00+00"
		var there bool
		if err := t.queryRow(ctx, []any{&there}, "SELECT to_regclass($1::text) IS NOT NULL", partition.Quoted()); err != nil || there {
			return err
		}
		return execAll(ctx, t, lockTimeout(briefly),
			fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)", partition.Quoted(), p.table.Quoted()),
			fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')",
				p.table.Quoted(), partition.Quoted(), day.Format(bound), day.AddDate(0, 0, 1).Format(bound)))
	})
}

// DropPartitions drops the partitions that lie wholly further back than
// Config.Keep and whose every row the slot has confirmed, and returns their names.
// All of them go, or none with an error. The default partition stays: Prune it.
//
// It locks them against writers first, which waits for those who are at it, for
// Config.Wait at most, and reads the position L of the write-ahead log then: all that
// the partitions hold is committed below L. It drops them once the slot's
// confirmed_flush_lsn is at L or beyond, and returns [ErrNotConfirmed] if that takes
// longer than Config.Wait.
// Writers of today's events are held up at most half a second, by the drop itself.
// The role must own the table.
func (p *Pruner) DropPartitions(ctx context.Context, db DB) (dropped []string, err error) {
	if !p.config.Outbox.Partitioned {
		return nil, bad("Outbox.Partitioned", "DropPartitions wants a partitioned table")
	}
	err = db.transact(ctx, func(t tx) error {
		if dropped, err = p.oldPartitions(ctx, t); err != nil || len(dropped) == 0 {
			return err
		}
		list := strings.Join(dropped, ", ")
		if err := execAll(ctx, t, lockTimeout(p.config.Wait), "LOCK TABLE "+list+" IN SHARE MODE"); err != nil {
			return err
		}
		var lsn string
		if err := t.queryRow(ctx, []any{&lsn}, "SELECT "+position); err != nil {
			return err
		}
		if err := p.await(ctx, t.queryRow, lsn, p.config.Wait); err != nil {
			return err
		}
		return execAll(ctx, t, lockTimeout(briefly), "DROP TABLE "+list)
	})
	if err != nil {
		return nil, fmt.Errorf("outbox: drop partitions of %s: %w", p.table.Quoted(), err)
	}
	return dropped, nil
}

// oldPartitions lists partitions by their upper bounds, whoever made them. The
// bound is printed and read by the same session, whatever its settings are.
func (p *Pruner) oldPartitions(ctx context.Context, t tx) (names []string, err error) {
	var list string
	err = t.queryRow(ctx, []any{&list}, `SELECT coalesce(json_agg(name ORDER BY until)::text, '[]') FROM (
			SELECT format('%I.%I', n.nspname, c.relname) AS name,
				(regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz AS until
			FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE i.inhparent = $1::text::regclass) AS partitions
		WHERE until <= now() - make_interval(secs => $2::double precision)`, p.table.Quoted(), p.config.Keep.Seconds())
	if err != nil {
		return nil, err
	}
	return names, json.Unmarshal([]byte(list), &names)
}
