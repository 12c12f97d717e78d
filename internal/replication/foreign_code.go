package replication

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
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

// foreignCode is a trigger or rule of a table that is not the role's own.
type foreignCode struct {
	What, Name string
	Of         TableName
	Default    bool // the table is the default partition, or part of it
}

// readForeignCode gives what a DELETE would run of other roles: whoever owns a table
// decides what its triggers and rules do, as the role that deletes.
func readForeignCode(ctx context.Context, q queryer, table uint32) ([]foreignCode, error) {
	rows, err := q.Query(ctx, foreignCodeQuery, once, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c foreignCode, err error) {
		err = row.Scan(&c.What, &c.Name, &c.Of.Schema, &c.Of.Name, &c.Default)
		return c, err
	})
}

// foreignCodeShown is how many are named.
const foreignCodeShown = 5

// foreignCodeWords say what is refused and how it is mended.
func foreignCodeWords(outbox TableName, list []foreignCode, role string) (text, fix string) {
	var names []string
	for n, c := range list {
		if n == foreignCodeShown {
			names = append(names, fmt.Sprintf("%d more", len(list)-n))
			break
		}
		names = append(names, fmt.Sprintf("%s %s of %s", c.What, displayName(c.Name), c.Of))
	}
	return fmt.Sprintf("deleting from %s would run, as role %s with its REPLICATION, what another role wrote: %s",
			outbox, displayName(role), strings.Join(names, ", ")),
		fmt.Sprintf("take outbox.prune out and let the owner delete (pkg/outbox: Prune), or take these away, or ALTER TABLE %s OWNER TO %s, its partitions too",
			outbox.Quoted(), Quote(role))
}

// foreignCodeRequirement judges what pruning would run: nil when nothing.
func (i *Inspection) foreignCodeRequirement(p *Pruning) *Requirement {
	list := i.Table.foreignCode
	if p.Partitions { // the rest is dropped, which runs none of it
		list = slices.DeleteFunc(slices.Clone(list), func(c foreignCode) bool { return !c.Default })
	}
	if len(list) == 0 {
		return nil
	}
	text, fix := foreignCodeWords(p.Table, list, i.Role.Name)
	r := failed(exitNone, "prune", fix, "%s", text)
	return &r
}

// refuseForeignCode is an error where deleting from the table would run code of other
// roles. The caller holds a lock of the table that keeps new triggers out.
func refuseForeignCode(ctx context.Context, tx pgx.Tx, table TableName) error {
	var oid uint32
	var role string
	if err := tx.QueryRow(ctx, "SELECT $1::text::regclass::oid, current_user", once, table.Quoted()).Scan(&oid, &role); err != nil {
		return err
	}
	list, err := readForeignCode(ctx, tx, oid)
	if err != nil || len(list) == 0 {
		return err
	}
	text, fix := foreignCodeWords(table, list, role)
	return &Error{Kind: InsufficientPrivilege, Op: "prune " + table.String(), Text: text, Hint: fix}
}
