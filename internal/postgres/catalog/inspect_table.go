package catalog

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// Table is the outbox table as it is today.
type Table struct {
	OID         uint32
	Kind        string // pg_class.relkind: r table, p partitioned, v view, f foreign, …
	Persistence string // pg_class.relpersistence: p permanent, u unlogged, t temporary
	Root        pgname.Table
	IsPartition bool // Root is then another table
	Owned       bool // the role is, or belongs to, the owner
	Readable    bool // the role has SELECT
	Deletable   bool // the role has DELETE
	Columns     []TableColumn
	Outside     []Outside // what a query of the table shows and the stream does not carry

	// WithoutIdentity counts the tables (the table itself, or its leaf partitions)
	// whose rows an UPDATE or DELETE cannot name to a publication that publishes
	// these: no primary key, and no other replica identity.
	WithoutIdentity int

	grants    []string // pg_class.relacl; nil: nobody but the owner has a right
	relatives []uint32 // itself, its ancestors and its partitions
	ancestors []uint32 // itself and its ancestors

	ForeignCode []ForeignCode // what a DELETE runs of other roles
}

// TableColumn is one column, in the table's order.
type TableColumn struct {
	Name      string
	TypeOID   uint32
	TypeMod   int32
	Type      string // as SQL writes it
	NotNull   bool
	Default   string // expression; "" when none
	Generated string // pg_attribute.attgenerated: "" no, s stored, v virtual (Postgres 18)
	Unique    bool   // it alone is unique; of a partitioned table, with its partition key
}

// GeneratedStored is the pg_attribute.attgenerated of a column whose value is stored.
const GeneratedStored = "s"

// Partitioned reports whether the rows are in partitions. They are published through the
// root only with publish_via_partition_root.
func (t *Table) Partitioned() bool { return t.Kind == partitioned }

// Relation returns the table in the form pgoutput sends it, so that one check
// serves the catalogue and the stream.
func (t *Table) Relation(name pgname.Table) *pgoutput.Relation {
	r := &pgoutput.Relation{ID: t.OID, Namespace: name.Schema, Name: name.Name}
	for _, c := range t.Columns {
		r.Columns = append(r.Columns, pgoutput.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
	}
	return r
}

// Column finds a column by name; nil when there is none.
func (t *Table) Column(name string) *TableColumn {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

const tableQuery = `
SELECT c.oid, c.relkind::text, c.relpersistence::text, rn.nspname, root.relname, c.relispartition,
       pg_has_role(c.relowner, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'DELETE'),
       ARRAY(SELECT relid::oid FROM pg_partition_ancestors(c.oid) UNION SELECT c.oid),
       ARRAY(SELECT relid::oid FROM pg_partition_ancestors(c.oid) UNION SELECT c.oid
             UNION SELECT relid::oid FROM pg_partition_tree(c.oid)),
       (SELECT count(*) FROM pg_class leaf
        WHERE (leaf.oid = c.oid AND c.relkind = 'r' OR leaf.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf))
          AND NOT CASE leaf.relreplident
              WHEN 'f' THEN true
              WHEN 'd' THEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = leaf.oid AND i.indisprimary)
              WHEN 'i' THEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = leaf.oid AND i.indisreplident)
              ELSE false END),
       coalesce(c.relacl::text[], '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class root ON root.oid = coalesce(pg_partition_root(c.oid), c.oid)
JOIN pg_namespace rn ON rn.oid = root.relnamespace
WHERE n.nspname = $1 AND c.relname = $2`

const columnsQuery = `
SELECT a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END, a.attgenerated::text,
       EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                 AND (i.indnkeyatts = 1 OR c.relkind = 'p') AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

func readTable(ctx context.Context, tx pgx.Tx, name pgname.Table) (*Table, error) {
	var t Table
	err := tx.QueryRow(ctx, tableQuery, postgres.Once, name.Schema, name.Name).Scan(
		&t.OID, &t.Kind, &t.Persistence, &t.Root.Schema, &t.Root.Name, &t.IsPartition,
		&t.Owned, &t.Readable, &t.Deletable, &t.ancestors, &t.relatives, &t.WithoutIdentity, &t.grants,
	)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nil is "not there" throughout an Inspection
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, columnsQuery, postgres.Once, t.OID)
	if err != nil {
		return nil, err
	}
	if t.Columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[TableColumn]); err != nil {
		return nil, err
	}
	if t.Outside, err = readOutside(ctx, tx, t.OID); err != nil {
		return nil, err
	}
	t.ForeignCode, err = ReadForeignCode(ctx, tx, t.OID)
	return &t, err
}
