package provision_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
)

// pruneDatabase is a database with a slot that nobody reads.
func pruneDatabase(t *testing.T, ddl string) (devstacktest.Database, provision.Pruning) {
	t.Helper()
	db := stack.Database(t)
	db.Exec(t, ddl, "CREATE PUBLICATION "+db.Name+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+db.Name+"', 'pgoutput')")
	return db, provision.Pruning{Table: pgname.Table{Schema: "public", Name: "outbox"}, Publication: db.Name, Batch: 100}
}

// A batch is confirmed when the slot is past its rows' commits, and not before.
func TestPruneBatchIsConfirmed(t *testing.T) {
	t.Parallel()
	db, p := pruneDatabase(t, "CREATE TABLE outbox (n int)")
	conn := postgrestest.OpenSQL(t, postgrestest.Target(db.URL))
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
	conn := postgrestest.OpenSQL(t, postgrestest.Target(db.URL))
	db.Exec(t, "INSERT INTO outbox VALUES (1), (2)")
	b, err := p.Pick(t.Context(), conn)
	if err != nil || b.Rows != 2 {
		t.Fatalf("%+v, %v", b, err)
	}
	db.Exec(t, "DELETE FROM outbox WHERE n = 1")
	devstacktest.Await(t, "a new row in the place of the first", func() bool { // VACUUM leaves it while any snapshot is older
		db.Exec(t, "DELETE FROM outbox WHERE n = 3", "VACUUM outbox", "INSERT INTO outbox VALUES (3)")
		return devstacktest.Value[string](t, db.Conn, "SELECT ctid::text FROM outbox WHERE n = 3") == "(0,1)"
	})
	db.Exec(t, "UPDATE outbox SET n = 4 WHERE n = 2")
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
	conn := postgrestest.OpenSQL(t, postgrestest.Target(db.URL))
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
	p := provision.Pruning{Table: pgname.Table{Schema: "public", Name: "outbox"}, Publication: db.Name, Batch: 100}
	conn := postgrestest.OpenSQL(t, postgrestest.Target(db.URL))
	if b, err := p.Pick(t.Context(), conn); err != nil || b.Rows != 1 {
		t.Errorf("%+v, %v, want the row from behind the rewrite", b, err)
	}
	if list, err := p.Uncarried(t.Context(), conn); err != nil || len(list) != 1 || list[0].Rows != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}
