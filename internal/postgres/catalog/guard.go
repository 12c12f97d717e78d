package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// Snapshot is what decides which rows reach the stream. Postgres says nothing in
// the stream when it changes: rows are skipped in silence. So it is looked at
// again and again while the relay runs, and compared.
type Snapshot struct {
	Publication uint32   // OID; 0: there is none
	Insert      bool     // it publishes inserts
	ViaRoot     bool     // publish_via_partition_root
	Table       uint32   // OID of the table that has the outbox's name; 0: there is none
	Entries     []string // OID in pg_publication_rel, column list and digest of the row filter, for the table and its ancestors
	Published   bool
	Logged      bool      // the table's rows are in the WAL: with FOR ALL TABLES Postgres lets it be set unlogged
	Hidden      []string  // columns in use that are generated, and not published
	Outside     []Outside // see Table
}

// guardQuery reads the row filter and column list through jsonb, since
// Postgres 14 has neither. The view is asked only for a publication of all tables
// or of schemas: it would list every table.
const guardQuery = `
WITH t AS (
  SELECT c.oid, c.relpersistence = 'p' AS logged FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $2 AND c.relname = $3
), p AS (
  SELECT oid, pubinsert, pubviaroot FROM pg_publication WHERE pubname = $1
), e AS (
  SELECT ARRAY(
    SELECT pr.oid || ' ' || coalesce(to_jsonb(pr) ->> 'prattrs', '') || ' ' || coalesce(md5(to_jsonb(pr) ->> 'prqual'), '')
    FROM pg_publication_rel pr, t, p
    WHERE pr.prpubid = p.oid AND (pr.prrelid = t.oid OR pr.prrelid IN (SELECT pg_partition_ancestors(t.oid)))
    ORDER BY pr.oid) AS entries
)
SELECT coalesce((SELECT oid FROM p), 0), coalesce((SELECT pubinsert FROM p), false), coalesce((SELECT pubviaroot FROM p), false),
       coalesce((SELECT oid FROM t), 0), e.entries,
       CASE WHEN e.entries <> '{}' THEN true
            ELSE EXISTS (SELECT FROM pg_publication_tables v WHERE v.pubname = $1 AND v.schemaname = $2 AND v.tablename = $3) END,
       coalesce((SELECT logged FROM t), false),
       ARRAY(SELECT a.attname::text FROM pg_attribute a, t WHERE a.attrelid = t.oid AND NOT a.attisdropped AND a.attname = ANY ($4::text[])
             AND (a.attgenerated NOT IN ('', 's') OR a.attgenerated = 's'
               AND NOT EXISTS (SELECT FROM pg_publication pub WHERE pub.pubname = $1 AND to_jsonb(pub) ->> 'pubgencols' = 's')
               AND NOT EXISTS (SELECT FROM pg_publication_rel pr, p WHERE pr.prpubid = p.oid
                 AND (pr.prrelid = t.oid OR pr.prrelid IN (SELECT pg_partition_ancestors(t.oid)))
                 AND a.attnum::text = ANY (regexp_split_to_array(to_jsonb(pr) ->> 'prattrs', '[^0-9]+'))))
             ORDER BY a.attnum)
FROM e`

// ReadSnapshot reads publication and table, and the columns in use. It needs LOGIN only.
func ReadSnapshot(ctx context.Context, conn *pgx.Conn, names ObjectNames, columns OutboxColumns) (*Snapshot, error) {
	var g Snapshot
	err := conn.QueryRow(ctx, guardQuery, names.Publication, names.Table.Schema, names.Table.Name, columns.Names()).Scan(
		&g.Publication, &g.Insert, &g.ViaRoot, &g.Table, &g.Entries, &g.Published, &g.Logged, &g.Hidden)
	if err == nil && g.Table != 0 {
		g.Outside, err = readOutside(ctx, conn, g.Table)
	}
	return &g, postgres.Classify("read publication and table", err)
}

// Changed says in words what is no longer as it was, nil when nothing matters.
func (g *Snapshot) Changed(now *Snapshot, names ObjectNames) error {
	publication, table := pgname.QuoteIfNeeded(names.Publication), names.Table.String()
	switch {
	case now.Publication == 0:
		return fmt.Errorf("publication %s was dropped", publication)
	case now.Publication != g.Publication:
		return fmt.Errorf("publication %s was dropped and created again", publication)
	case now.Table == 0:
		return fmt.Errorf("table %s was dropped or renamed", table)
	case now.Table != g.Table:
		return fmt.Errorf("table %s is another one: it was dropped and created again, or swapped", table)
	case !now.Published:
		return fmt.Errorf("table %s is no longer in publication %s", table, publication)
	case !now.Insert:
		return fmt.Errorf("publication %s no longer publishes inserts", publication)
	case g.ViaRoot && !now.ViaRoot:
		return fmt.Errorf("publication %s no longer has publish_via_partition_root", publication)
	case !slices.Equal(g.Entries, now.Entries):
		return fmt.Errorf("table %s was taken out of publication %s and put back, or got a row filter or column list there", table,
			publication)
	}
	return now.whole(names.Table)
}

// whole says in words which rows look like the outbox's and are not in the stream.
func (g *Snapshot) whole(outbox pgname.Table) error {
	switch {
	case !g.Logged:
		return fmt.Errorf("table %s is unlogged: its rows are not in the WAL", outbox)
	case len(g.Hidden) > 0:
		return fmt.Errorf("%s of table %s is generated, and its values are no longer published", pgname.QuoteIfNeeded(g.Hidden[0]), outbox)
	case len(g.Outside) > 0:
		return fmt.Errorf("%s%s", g.Outside[0].Words(outbox), NotInStream)
	}
	return nil
}

// Complete says in words why rows cannot reach the stream as it is, nil when they do.
func (g *Snapshot) Complete(names ObjectNames) error {
	if g.Publication == 0 || g.Table == 0 || !g.Published || !g.Insert {
		return (&Snapshot{Publication: g.Publication, Table: g.Table}).Changed(g, names)
	}
	return g.whole(names.Table)
}

// WaitsForStandby reports whether the slot's walsender holds events back until the
// physical standbys named in synchronized_standby_slots have them (Postgres 17 and
// later). pg_stat_activity shows it to the role that owns the walsender.
func WaitsForStandby(ctx context.Context, conn *pgx.Conn, slot string) (bool, error) {
	var waits bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity a JOIN pg_replication_slots s ON s.active_pid = a.pid
		WHERE s.slot_name = $1 AND a.wait_event = 'WaitForStandbyConfirmation')`, slot).Scan(&waits)
	if refused(err) { // the view is withheld from the role: then it is not told
		return false, nil
	}
	return waits, postgres.Classify("read the state of the walsender", err)
}
