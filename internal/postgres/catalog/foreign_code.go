package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// foreignCodeQuery finds what a DELETE from a table, or from one of its partitions, runs
// beside the DELETE where the table is not the role's own: triggers and rules. Those
// of Postgres itself (foreign keys) run as the owner.
const foreignCodeQuery = `
WITH tables AS (
  SELECT c.oid FROM pg_class c WHERE c.oid = $1::oid UNION SELECT relid::oid FROM pg_partition_tree($1::oid)
), standard AS (
  SELECT relid::oid AS oid FROM pg_partitioned_table p, pg_partition_tree(p.partdefid) WHERE p.partrelid = $1::oid
)
SELECT what, name, n.nspname, c.relname, c.oid IN (SELECT oid FROM standard) FROM (
  SELECT 'trigger', t.tgname::text, t.tgrelid FROM pg_trigger t JOIN tables ON tables.oid = t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgtype & 8 <> 0 AND t.tgenabled IN ('O', 'A')
  UNION ALL
  SELECT 'rule', r.rulename::text, r.ev_class FROM pg_rewrite r JOIN tables ON tables.oid = r.ev_class
  WHERE r.ev_type = '4' AND r.ev_enabled IN ('O', 'A')
) AS code (what, name, of) JOIN pg_class c ON c.oid = code.of JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE pg_get_userbyid(c.relowner) <> current_user
ORDER BY n.nspname, c.relname, what, name`

// ForeignCode is a trigger or rule of a table that is not the role's own.
type ForeignCode struct {
	What, Name string
	Of         pgname.Table
	Default    bool // the table is the default partition, or part of it
}

// ReadForeignCode returns what a DELETE would run of other roles: whoever owns a table
// decides what its triggers and rules do, as the role that deletes.
func ReadForeignCode(ctx context.Context, q queryer, table uint32) ([]ForeignCode, error) {
	rows, err := q.Query(ctx, foreignCodeQuery, postgres.Once, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c ForeignCode, err error) {
		err = row.Scan(&c.What, &c.Name, &c.Of.Schema, &c.Of.Name, &c.Default)
		return c, err
	})
}
