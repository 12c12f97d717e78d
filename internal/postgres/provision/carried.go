package provision

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// A row of the outbox was in the stream when it was written after its table had become
// part of the published outbox: after the outbox entered the publication, and after
// each partition on the way to the row's was attached. Neither publishes rows that
// are there already. The system columns xmin and cmin of the catalogues' rows say by
// which transaction and command that was (PostgreSQL documentation, "System Columns").
//
// A row for which this is not known counts as not carried. One case is not recognised: a table is
// filled by a transaction that began after the one that attaches it had written
// something (docs/outbox.md says how to attach).

// carriedWith returns the common table expressions of a statement that uses carried.
// $1 is the outbox, $2 the publication.
//
//   - published: the transaction that published the outbox. Of several ways the first counts.
//   - bounds: for each table with rows the newest of the changes that made it part.
func carriedWith(major int) string {
	schemas := ""
	if major >= 15 {
		schemas = `
    UNION ALL SELECT m.xmin, m.cmin::text::bigint FROM pg_publication p JOIN pg_publication_namespace m ON m.pnpubid = p.oid
    WHERE p.pubname = $2::text AND m.pnnspid = (SELECT relnamespace FROM pg_class WHERE oid = $1::text::regclass)`
	}
	return `
WITH ways AS (
    SELECT m.xmin AS xid, m.cmin::text::bigint AS cid FROM pg_publication p JOIN pg_publication_rel m ON m.prpubid = p.oid
    WHERE p.pubname = $2::text AND m.prrelid = $1::text::regclass
    UNION ALL SELECT p.xmin, p.cmin::text::bigint FROM pg_publication p WHERE p.pubname = $2::text AND p.puballtables` + schemas + `
), published AS (
    SELECT xid, cid FROM ways ORDER BY age(xid) < 0 DESC, age(xid) DESC, cid LIMIT 1
), bounds AS MATERIALIZED (
    SELECT tables.oid AS leaf, newest.xid, newest.cid,
           (SELECT CASE WHEN c.relfilenode <> c.oid THEN c.xmin END FROM pg_class c WHERE c.oid = tables.oid) AS rewritten
    FROM (SELECT $1::text::regclass::oid AS oid UNION SELECT relid::oid FROM pg_partition_tree($1::text::regclass)) AS tables
    CROSS JOIN LATERAL (
        SELECT xid, cid FROM (
            SELECT xid, cid FROM published
            UNION ALL
            SELECT i.xmin, i.cmin::text::bigint FROM pg_partition_ancestors(tables.oid) AS a JOIN pg_inherits i ON i.inhrelid = a.relid
            WHERE a.relid <> $1::text::regclass
        ) AS changes ORDER BY age(xid) < 0, age(xid), cid DESC LIMIT 1) AS newest
    WHERE EXISTS (SELECT FROM published)
)`
}

// carried is the condition that a row r was carried, where b is its table's row of
// bounds. Ages reach back 2^31 transactions: a change that is older than that, and so
// seems to lie ahead, is older than every row. cmin can be trusted as long as nobody
// has locked the row (xmax). A rewrite (ALTER TABLE … SET LOGGED, another type) gives all
// rows its own transaction, so that nothing can be told of them.
const carried = `(r.xmin IS DISTINCT FROM b.rewritten AND age(r.xmin) >= 0 AND (age(b.xid) < 0 OR age(r.xmin) < age(b.xid)
    OR r.xmin = b.xid AND r.xmax = '0'::xid AND r.cmin::text::bigint > b.cid))`

// Uncarried is the rows of one table that pruning leaves alone.
type Uncarried struct {
	Table string // as SQL writes it
	Rows  int64  // at most uncarriedMax
}

// uncarriedMax is how many rows are counted.
const uncarriedMax = 100_000

// Uncarried counts the rows that are old enough to go and were not in the stream.
func (p Pruning) Uncarried(ctx context.Context, conn *pgx.Conn) ([]Uncarried, error) {
	op := "look for rows of " + p.Table.String() + " that were not in the stream"
	s, err := p.statement(ctx, conn, p.Table)
	if err != nil {
		return nil, postgres.Classify(op, err)
	}
	rows, err := conn.Query(ctx, s.with+" SELECT leaf::regclass::text, count(*) FROM (SELECT r.tableoid AS leaf FROM "+s.from+
		" r LEFT JOIN bounds b ON b.leaf = r.tableoid WHERE "+p.due("$3")+" AND NOT coalesce("+carried+", false) LIMIT $4::bigint) AS r"+
		" GROUP BY 1 ORDER BY 2 DESC, 1", p.Table.Quoted(), p.Publication, p.After.Seconds(), uncarriedMax)
	if err != nil {
		return nil, postgres.Classify(op, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Uncarried])
	return list, postgres.Classify(op, err)
}

// statement is what the statements of pruning begin with.
type statement struct {
	with string // the common table expressions of carried
	from string
}

func (p Pruning) statement(ctx context.Context, conn *pgx.Conn, table pgname.Table) (s statement, err error) {
	major, err := postgres.MajorVersion(conn.PgConn())
	if err != nil {
		return statement{}, err
	}
	s.with = carriedWith(major)
	s.from, err = catalog.ReadFrom(ctx, conn, table)
	return s, err
}
