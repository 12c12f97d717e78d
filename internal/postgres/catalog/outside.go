package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// Outside is a table whose rows a query of the outbox shows and the stream does not
// carry as the outbox's: Postgres publishes them under another name, or not at all.
type Outside struct {
	Table pgname.Table
	Why   OutsideWhy
}

// OutsideWhy is why rows are not in the stream.
type OutsideWhy string

// The reasons, as outsideQuery gives them. The documentation of CREATE PUBLICATION
// says that temporary, unlogged and foreign tables cannot be part of a publication;
// as a partition Postgres takes them without a word. A table that inherits (and is
// no partition) is published under its own name, if it is.
const (
	Inherits  OutsideWhy = "inherits"
	Foreign   OutsideWhy = "foreign"
	Unlogged  OutsideWhy = "unlogged"
	Temporary OutsideWhy = "temporary"
)

// outsideQuery looks at the table $1, its partitions and what inherits from it.
const outsideQuery = `
SELECT n.nspname, c.relname, CASE WHEN t.child THEN 'inherits' WHEN c.relkind = 'f' THEN 'foreign'
       WHEN c.relpersistence = 't' THEN 'temporary' ELSE 'unlogged' END
FROM (
  SELECT i.inhrelid AS oid, true AS child FROM pg_inherits i JOIN pg_class root ON root.oid = i.inhparent
  WHERE i.inhparent = $1::oid AND root.relkind = 'r'
  UNION ALL SELECT relid, false FROM pg_partition_tree($1::oid) WHERE isleaf AND relid <> $1::oid
) AS t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.child OR c.relkind = 'f' OR c.relpersistence <> 'p' ORDER BY 1, 2`

// queryer is what a connection and a transaction have.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func readOutside(ctx context.Context, q queryer, table uint32) ([]Outside, error) {
	rows, err := q.Query(ctx, outsideQuery, postgres.Once, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Outside, error) {
		var o Outside
		err := row.Scan(&o.Table.Schema, &o.Table.Name, &o.Why)
		return o, err
	})
}

// Words say what the table is to the outbox.
func (o Outside) Words(outbox pgname.Table) string {
	switch o.Why {
	case Inherits:
		return fmt.Sprintf("%s inherits from %s and is no partition of it", o.Table, outbox)
	case Foreign:
		return fmt.Sprintf("partition %s of %s is a foreign table", o.Table, outbox)
	default:
		return fmt.Sprintf("partition %s of %s is %s", o.Table, outbox, o.Why)
	}
}

// Fix is the statement that takes the table out of the outbox, or into the stream.
func (o Outside) Fix(outbox pgname.Table) string {
	switch o.Why {
	case Inherits:
		return fmt.Sprintf("ALTER TABLE %s NO INHERIT %s; then INSERT INTO %[2]s SELECT … FROM %[1]s publishes its rows",
			o.Table.Quoted(), outbox.Quoted())
	case Unlogged:
		return missingRows + fmt.Sprintf("; then ALTER TABLE %s SET LOGGED", o.Table.Quoted())
	default:
		return fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s; then INSERT INTO %[1]s SELECT … FROM %[2]s publishes its rows",
			outbox.Quoted(), o.Table.Quoted())
	}
}

const missingRows = "walpost audit -c FILE shows which of its rows are missing in Kafka, and walpost replay -c FILE publishes them"

// NotInStream is said of every such table.
const NotInStream = ": rows in it are not in the stream, and look as if they were"

// Inherited reports whether tables inherit from a plain table. Commands that compare or
// publish its rows read ONLY it, and would pass over theirs.
func (t *Table) Inherited() bool {
	return slices.ContainsFunc(t.Outside, func(o Outside) bool { return o.Why == Inherits })
}
