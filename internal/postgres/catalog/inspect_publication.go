package catalog

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// Publication is the publication, and what it publishes of the outbox.
type Publication struct {
	OID       uint32
	Insert    bool
	Update    bool
	Delete    bool
	Truncate  bool
	ViaRoot   bool // publish_via_partition_root
	AllTables bool
	Generated bool // publish_generated_columns = stored (Postgres 18)
	Owned     bool // the role is, or belongs to, the owner

	// Unfinished: walpost made it for the slot of these names, and not the slot yet.
	Unfinished bool
	// Publishing: rows from before the slot of these names are being published, or were
	// when that was cut. RowsPublished: all of them are, and the slot gets its name.
	Publishing, RowsPublished bool

	// Entries are the OIDs in pg_publication_rel of the table and its ancestors: a
	// table that was taken out and put back has another one. Empty when the table
	// is published through its schema or with all tables.
	Entries []uint32
	// Published is the table, its root or its partitions, as the publication
	// publishes them. Empty: the table is not in the publication.
	Published []PublishedTable
}

// PublishedTable is one row of pg_publication_tables.
type PublishedTable struct {
	Table   pgname.Table
	Filter  string   // row filter; "" when none
	Columns []string // what is published of a row; nil before Postgres 15: everything
}

// Operations names what is published, as the option `publish` does.
func (p *Publication) Operations() string {
	var list []string
	for _, op := range []struct {
		on   bool
		name string
	}{{p.Insert, "insert"}, {p.Update, "update"}, {p.Delete, "delete"}, {p.Truncate, "truncate"}} {
		if op.on {
			list = append(list, op.name)
		}
	}
	return strings.Join(list, ", ")
}

const publicationQuery = `
SELECT p.oid, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, p.puballtables,
       coalesce(to_jsonb(p) ->> 'pubgencols', '') = 's', pg_has_role(p.pubowner, 'USAGE'),
       coalesce(obj_description(p.oid, 'pg_publication'), ''),
       ARRAY(SELECT pr.oid FROM pg_publication_rel pr WHERE pr.prpubid = p.oid AND pr.prrelid = ANY($2::oid[]) ORDER BY pr.oid)
FROM pg_publication p WHERE p.pubname = $1`

// publishedQuery asks the view and not pg_publication_rel: it knows tables,
// schemas, all tables, partitions and roots. Through jsonb, since Postgres 14
// has neither attnames nor rowfilter.
const publishedQuery = `
SELECT v.schemaname, v.tablename, coalesce(to_jsonb(v) ->> 'rowfilter', ''),
       CASE WHEN to_jsonb(v) ? 'attnames' THEN ARRAY(SELECT jsonb_array_elements_text(to_jsonb(v) -> 'attnames')) END
FROM pg_publication_tables v JOIN pg_namespace n ON n.nspname = v.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.tablename
WHERE v.pubname = $1 AND c.oid = ANY($2::oid[]) ORDER BY 1, 2`

func readPublication(ctx context.Context, tx pgx.Tx, names ObjectNames, table *Table) (*Publication, error) {
	var p Publication
	ancestors, relatives := []uint32{}, []uint32{}
	if table != nil {
		ancestors, relatives = table.ancestors, table.relatives
	}
	comment := ""
	err := tx.QueryRow(ctx, publicationQuery, postgres.Once, names.Publication, ancestors).Scan(
		&p.OID, &p.Insert, &p.Update, &p.Delete, &p.Truncate, &p.ViaRoot, &p.AllTables, &p.Generated, &p.Owned, &comment, &p.Entries,
	)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nil is "not there" throughout an Inspection
	}
	if err != nil {
		return nil, err
	}
	p.readMark(comment, names.Slot)
	rows, err := tx.Query(ctx, publishedQuery, postgres.Once, names.Publication, relatives)
	if err != nil {
		return nil, err
	}
	p.Published, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (PublishedTable, error) {
		var t PublishedTable
		err := row.Scan(&t.Table.Schema, &t.Table.Name, &t.Filter, &t.Columns)
		return t, err
	})
	return &p, err
}
