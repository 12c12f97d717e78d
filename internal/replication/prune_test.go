package replication

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

// pruneDatabase is a database with a slot that nobody reads.
func pruneDatabase(t *testing.T, ddl string) (devstacktest.Database, provision.Pruning) {
	t.Helper()
	db := stack.Database(t)
	db.Exec(t, ddl, "CREATE PUBLICATION "+db.Name+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+db.Name+"', 'pgoutput')")
	return db, provision.Pruning{Table: postgres.TableName{Schema: "public", Name: "outbox"}, Publication: db.Name, Batch: 100}
}

// A batch is confirmed when the slot is past its rows' commits, and not before.
func TestPruneBatchIsConfirmed(t *testing.T) {
	t.Parallel()
	db, p := pruneDatabase(t, "CREATE TABLE outbox (n int)")
	conn := openSQL(t, targetOf(db.URL))
	db.Exec(t, "SET synchronous_commit = off", "INSERT INTO outbox VALUES (1)")
	b, err := p.Pick(t.Context(), conn)
	if err != nil || b.Rows != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	if yes, err := catalog.Confirmed(t.Context(), conn, db.Name, b.LSN); yes || err != nil {
		t.Errorf("%v, %v", yes, err)
	}
	if yes, err := catalog.Confirmed(t.Context(), conn, "no_such_slot", b.LSN); yes || err != nil {
		t.Errorf("%v, %v", yes, err)
	}
	db.Exec(t, "SELECT pg_switch_wal()", "SELECT pg_replication_slot_advance('"+db.Name+"', pg_current_wal_lsn())")
	if yes, err := catalog.Confirmed(t.Context(), conn, db.Name, b.LSN); !yes || err != nil {
		t.Errorf("%v, %v", yes, err)
	}
	if n, err := p.Delete(t.Context(), conn, b); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// What has come into the place of a row that is gone is not of the batch, nor is
// what was written anew.
func TestPruneLeavesWhatFollows(t *testing.T) {
	t.Parallel()
	db, p := pruneDatabase(t, "CREATE TABLE outbox (n int)")
	conn := openSQL(t, targetOf(db.URL))
	db.Exec(t, "INSERT INTO outbox VALUES (1), (2)")
	b, err := p.Pick(t.Context(), conn)
	if err != nil || b.Rows != 2 {
		t.Fatalf("%+v, %v", b, err)
	}
	db.Exec(t, "DELETE FROM outbox WHERE n = 1", "VACUUM outbox", "INSERT INTO outbox VALUES (3)", "UPDATE outbox SET n = 4 WHERE n = 2")
	var at string
	if err := db.Conn.QueryRow(t.Context(), "SELECT ctid::text FROM outbox WHERE n = 3").Scan(&at); err != nil || at != "(0,1)" {
		t.Fatalf("the new row is at %s: %v", at, err)
	}
	if n, err := p.Delete(t.Context(), conn, b); n != 0 || err != nil {
		t.Errorf("%d rows deleted, %v", n, err)
	}
}

// A place is one of a partition: the batch stays as large as it was.
func TestPruneKeepsToThePartition(t *testing.T) {
	t.Parallel()
	db, p := pruneDatabase(t, `CREATE TABLE outbox (n int) PARTITION BY LIST (n)`)
	db.Exec(t, "CREATE TABLE outbox_1 PARTITION OF outbox FOR VALUES IN (1)", "CREATE TABLE outbox_2 PARTITION OF outbox FOR VALUES IN (2)",
		"INSERT INTO outbox VALUES (1), (2)")
	conn := openSQL(t, targetOf(db.URL))
	p.Batch = 1
	b, err := p.Pick(t.Context(), conn)
	if err != nil || b.Rows != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	if n, err := p.Delete(t.Context(), conn, b); n != 1 || err != nil {
		t.Errorf("%d rows deleted, %v", n, err)
	}
}

// A rewrite gives all rows its own transaction: nothing can be told of them any more.
func TestPruneLeavesWhatWasRewritten(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	db.Exec(t, "CREATE TABLE outbox (n int)", "INSERT INTO outbox VALUES (1)",
		"CREATE PUBLICATION "+db.Name+" FOR TABLE outbox WITH (publish = 'insert')",
		"ALTER TABLE outbox ALTER COLUMN n TYPE bigint", "INSERT INTO outbox VALUES (2)")
	p := provision.Pruning{Table: postgres.TableName{Schema: "public", Name: "outbox"}, Publication: db.Name, Batch: 100}
	conn := openSQL(t, targetOf(db.URL))
	if b, err := p.Pick(t.Context(), conn); err != nil || b.Rows != 1 {
		t.Errorf("%+v, %v, want the row from behind the rewrite", b, err)
	}
	if list, err := p.Uncarried(t.Context(), conn); err != nil || len(list) != 1 || list[0].Rows != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// `check` names what outbox.prune lacks, and `run` starts all the same.
func TestPruneRequirements(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.table(t)
	for _, tc := range []struct {
		sql, says, fix string
		prune          provision.Pruning
	}{
		{"", "failed prune: outbox.prune deletes from public.outbox", "GRANT SELECT, DELETE ON", provision.Pruning{}},
		{
			"GRANT SELECT ON public.outbox TO " + f.role, "failed prune: outbox.prune deletes from public.outbox",
			"GRANT SELECT, DELETE ON",
			provision.Pruning{},
		},
		{
			"GRANT DELETE ON public.outbox TO " + f.role,
			"warning prune: slot " + f.names.Slot + " does not exist yet, and rows from before it", "leave outbox.prune out",
			provision.Pruning{},
		},
		{
			"SELECT pg_create_logical_replication_slot('" + f.names.Slot + "', 'pgoutput')",
			"ok prune: confirmed rows of public.outbox may be deleted", "",
			provision.Pruning{},
		},
		{"", "failed prune: public.outbox has no column at", "time_column", provision.Pruning{After: 1, TimeColumn: "at"}},
		{
			"ALTER TABLE public.outbox ADD COLUMN at date", "failed prune: column at of public.outbox is of type date", "timestamptz",
			provision.Pruning{After: 1, TimeColumn: "at"},
		},
		{"ALTER TABLE public.outbox ALTER COLUMN at TYPE timestamp", "ok prune: ", "", provision.Pruning{After: 1, TimeColumn: "at"}},
	} {
		if tc.sql != "" {
			f.Exec(t, tc.sql)
		}
		tc.prune.Table = f.names.Table
		got := preflight.PruneRequirements(f.inspect(t), &tc.prune)[0]
		if text := got.State.String() + " prune: " + got.Detail; !strings.HasPrefix(text, tc.says) || !strings.Contains(got.Fix, tc.fix) ||
			got.Exit != preflight.ExitNone {
			t.Errorf("after %q: %s; fix: %s; exit %d", tc.sql, text, got.Fix, got.Exit)
		}
	}
}

// `check` names what a DELETE would run of the table's owner, also on a partition; with
// drop_partitions only what the default partition has, from which rows are deleted.
func TestRow82_CodeOfTheOwner(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Exec(t, "CREATE TABLE outbox (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb, created_at timestamptz) "+
		"PARTITION BY RANGE (created_at)",
		"CREATE TABLE outbox_old PARTITION OF outbox FOR VALUES FROM ('2018-01-01') TO ('2019-01-01')",
		"CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT",
		"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
		"CREATE TRIGGER writes BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION note()",
		"SELECT pg_create_logical_replication_slot('"+f.names.Slot+"', 'pgoutput')", "GRANT SELECT, DELETE ON outbox TO "+f.role)
	judge := func(p provision.Pruning) preflight.Requirement {
		p.Table = f.names.Table
		return preflight.PruneRequirements(f.inspect(t), &p)[0]
	}
	if got := judge(provision.Pruning{}); got.State != preflight.OK {
		t.Errorf("a trigger on INSERT: %+v", got)
	}
	f.Exec(t, "CREATE TRIGGER deletes BEFORE DELETE ON outbox_old FOR EACH ROW EXECUTE FUNCTION note()")
	if got := judge(provision.Pruning{}); got.State != preflight.Failed || got.Exit != preflight.ExitNone ||
		!strings.Contains(got.Detail, "trigger deletes of public.outbox_old") ||
		!strings.Contains(got.Fix, "OWNER TO") {
		t.Errorf("a trigger of a partition: %+v", got)
	}
	f.Exec(t, "ALTER TABLE outbox OWNER TO "+f.role, "ALTER TABLE outbox_rest OWNER TO "+f.role)
	if got := judge(provision.Pruning{Partitions: true}); got.State != preflight.OK {
		t.Errorf("with drop_partitions: %+v", got)
	}
	f.Exec(t, "CREATE TRIGGER deletes BEFORE DELETE ON outbox_rest FOR EACH ROW EXECUTE FUNCTION note()")
	if got := judge(provision.Pruning{Partitions: true}); got.State != preflight.OK {
		t.Errorf("with drop_partitions, all owned: %+v", got)
	}
	f.Exec(t, "ALTER TABLE outbox_rest OWNER TO postgres")
	if got := judge(provision.Pruning{Partitions: true}); got.State != preflight.Failed ||
		!strings.Contains(got.Detail, "trigger deletes of public.outbox_rest") || strings.Contains(got.Detail, "outbox_old") {
		t.Errorf("a trigger of the default partition: %+v", got)
	}
	f.Exec(t, "ALTER TABLE outbox_rest OWNER TO "+f.role, "ALTER TABLE outbox_old OWNER TO "+f.role)
	if got := judge(provision.Pruning{}); got.State != preflight.OK {
		t.Errorf("owned: %+v", got)
	}
}
