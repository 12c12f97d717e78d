package provision_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

func TestDefaultTableIsDebeziums(t *testing.T) {
	t.Parallel()
	got := provision.CreateTableSQL(pgname.Table{Schema: "public", Name: "outbox"}, postgrestest.Columns())
	want := `CREATE TABLE "public"."outbox" (
    "id" uuid PRIMARY KEY,
    "aggregatetype" text NOT NULL,
    "aggregateid" text NOT NULL,
    "type" text NOT NULL,
    "payload" jsonb
)`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	ctx, conn := t.Context(), postgrestest.OpenSQL(t, f.Owner)
	for _, want := range []bool{true, false} {
		created, err := provision.CreateTable(ctx, conn, f.Names.Table, postgrestest.Columns())
		if err != nil || created != want {
			t.Fatalf("table: created %v, %v", created, err)
		}
		created, err = provision.CreatePublication(ctx, conn, f.Names.Publication, f.Names.Table, postgrestest.Columns(),
			catalog.UnfinishedComment(f.Names.Slot))
		if err != nil || created != want {
			t.Fatalf("publication: created %v, %v", created, err)
		}
		slot := f.CreateSlot(t)
		if slot.Created != want || (slot.ConsistentPoint != 0) != want {
			t.Fatalf("slot: %+v", slot)
		}
		if err := provision.FinishPublication(ctx, conn, f.Names.Publication, f.Names.Slot); err != nil {
			t.Fatal(err)
		}
	}
	if list := preflight.Postgres(f.Inspect(t), postgrestest.Expectations()); strings.Count(postgrestest.Lines(list), "ok ") != len(list) {
		t.Errorf("what init makes does not satisfy check:\n%s", postgrestest.Lines(list))
	}
	for _, want := range []bool{true, false} {
		dropped, err := provision.DropSlot(ctx, postgrestest.OpenSQL(t, f.Relay), f.Names.Slot)
		if err != nil || dropped != want {
			t.Fatalf("slot: dropped %v, %v", dropped, err)
		}
		dropped, err = provision.DropPublication(ctx, conn, f.Names.Publication)
		if err != nil || dropped != want {
			t.Fatalf("publication: dropped %v, %v", dropped, err)
		}
	}
}

// TestDryRunSQLDoesTheSame: the text that `init --dry-run` prints is valid, with
// names that need quotes.
func TestDryRunSQLDoesTheSame(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.Names.Table = pgname.Table{Schema: `My "Schema"`, Name: "Out'box"}
	f.Names.Publication = `Pub "of" it`
	columns := postgrestest.Columns()
	columns.Key, columns.Timestamp, columns.Partition = `Key"s`, "at", "part"
	f.Exec(t, `CREATE SCHEMA "My ""Schema"""`,
		provision.CreateTableSQL(f.Names.Table, columns),
		provision.CreatePublicationSQL(f.Names.Publication, f.Names.Table, provision.PublicationOptions{}),
		provision.CreateSlotSQL(f.Names.Slot, false))
	want := postgrestest.Expectations()
	want.Columns = columns
	if list := preflight.Postgres(f.Inspect(t), want); strings.Count(postgrestest.Lines(list), "ok ") != len(list) {
		t.Errorf("dry run does not satisfy check:\n%s", postgrestest.Lines(list))
	}
	values, known, err := catalog.DistinctValues(t.Context(), f.Conn, f.Names.Table, []string{`Key"s`}, 300, nil)
	if err != nil || !known || len(values) != 0 {
		t.Errorf("%v, %v, %v", values, known, err)
	}
}

func TestPartitionedTableIsPublishedThroughItsRoot(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.Exec(t, `CREATE TABLE public.outbox (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb) PARTITION BY HASH (id)`,
		`CREATE TABLE public.outbox_0 PARTITION OF public.outbox FOR VALUES WITH (MODULUS 2, REMAINDER 0)`,
		`CREATE TABLE public.outbox_1 PARTITION OF public.outbox FOR VALUES WITH (MODULUS 2, REMAINDER 1)`)
	f.CreatePublication(t)
	f.CreateSlot(t)
	i := f.Inspect(t)
	if !i.Publication.ViaRoot || len(i.Publication.Published) != 1 || i.Publication.Published[0].Table != f.Names.Table {
		t.Errorf("publication %+v", i.Publication)
	}
	if start := preflight.CheckStart(preflight.Postgres(i, postgrestest.Expectations())); start != nil {
		t.Error(start)
	}
}

// TestSlotCreationIsCancelable: a transaction that writes holds it up; giving up
// leaves no slot behind, then or later, and the connection usable.
func TestSlotCreationIsCancelable(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.CreateTable(t)
	writer, err := postgrestest.OpenSQL(t, f.Owner).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec(t.Context(), "CREATE TABLE public.open ()"); err != nil {
		t.Fatal(err)
	}
	conn := f.Replication(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = provision.CreateSlot(ctx, conn, f.Names.Slot, false)
	if postgres.KindOf(err) != postgres.Canceled || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "pg_prepared_xacts") {
		t.Fatalf("%v: %v", postgres.KindOf(err), err)
	}
	if err := writer.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i := f.Inspect(t); i.Slot != nil {
		t.Errorf("slot was left behind: %+v", i.Slot)
	}
	slot, err := provision.CreateSlot(t.Context(), conn, f.Names.Slot, false)
	if err != nil || !slot.Created {
		t.Errorf("again on the same connection: %+v, %v", slot, err)
	}
}

func TestCreateRefused(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.CreateTable(t)
	f.Exec(t, "INSERT INTO public.outbox VALUES (gen_random_uuid(), 'order', '1', 'created', '{}'), (gen_random_uuid(), 'invoice', "+
		"'2', 'created', '{}'), (gen_random_uuid(), 'order', '3', 'created', '{}')")
	relay, ctx := postgrestest.OpenSQL(t, f.Relay), t.Context()

	if _, err := provision.CreatePublication(ctx, relay, f.Names.Publication, f.Names.Table, postgrestest.Columns(),
		""); postgres.KindOf(err) != postgres.InsufficientPrivilege {
		t.Errorf("publication: %v: %v", postgres.KindOf(err), err)
	}
	if _, err := provision.CreateTable(ctx, relay, pgname.Table{Schema: "nowhere", Name: "outbox"},
		postgrestest.Columns()); postgres.KindOf(err) != postgres.TableMissing {
		t.Errorf("table: %v: %v", postgres.KindOf(err), err)
	}
	for name, want := range map[string]postgres.Kind{
		"Upper": postgres.Configuration, strings.Repeat("x", 64): postgres.Configuration, `x" LOGICAL y`: postgres.Configuration,
	} {
		if _, err := provision.CreateSlot(ctx, f.Replication(t), name, false); postgres.KindOf(err) != want {
			t.Errorf("slot %q: %v: %v", name, postgres.KindOf(err), err)
		}
	}
	if f.Server.Major() < 17 {
		if _, err := provision.CreateSlot(ctx, f.Replication(t), f.Names.Slot, true); postgres.KindOf(err) != postgres.Unsupported {
			t.Errorf("failover: %v: %v", postgres.KindOf(err), err)
		}
	}
	// The role may not read the table, which is no fault.
	if count, known, err := catalog.CountRows(ctx, relay, f.Names.Table, nil); err != nil || known {
		t.Errorf("count %d, %v, %v", count, known, err)
	}
	if values, known, err := catalog.DistinctValues(ctx, relay, f.Names.Table, []string{"aggregatetype"}, 300, nil); err != nil || known {
		t.Errorf("values %v, %v, %v", values, known, err)
	}
	f.Exec(t, "GRANT SELECT ON public.outbox TO "+f.Role)
	if count, known, err := catalog.CountRows(ctx, relay, f.Names.Table, nil); err != nil || !known || count != 3 {
		t.Errorf("count %d, %v, %v", count, known, err)
	}
	values, known, err := catalog.DistinctValues(ctx, relay, f.Names.Table, []string{"aggregatetype", "type"}, 300, nil)
	if err != nil || !known || len(values) != 2 || strings.Join(values[0], ".") != "invoice.created" ||
		strings.Join(values[1], ".") != "order.created" {
		t.Errorf("values %v, %v, %v", values, known, err)
	}
}

func TestDropRefusesAnActiveSlot(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.Complete(t)
	conn := f.Replication(t)
	start := `START_REPLICATION SLOT "` + f.Names.Slot + `" LOGICAL 0/0 (proto_version '1', publication_names '"` +
		f.Names.Publication + `"')`
	conn.Frontend().SendQuery(&pgproto3.Query{String: start})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ReceiveMessage(t.Context()); err != nil { // CopyBothResponse
		t.Fatal(err)
	}
	_, err := provision.DropSlot(t.Context(), postgrestest.OpenSQL(t, f.Relay), f.Names.Slot)
	e, ok := errors.AsType[*postgres.Error](err)
	if !ok || e.Kind != postgres.SlotActive || e.PID != int(conn.PID()) {
		t.Fatalf("%v", err)
	}
	status, err := catalog.ReadSlot(t.Context(), postgrestest.OpenSQL(t, f.Relay), f.Names.Slot)
	if err != nil || !status.Active || status.WALStatus != "reserved" || status.ConfirmedFlushLSN == 0 {
		t.Errorf("%+v, %v", status, err)
	}
	// A second stream on the same slot is told who holds it.
	_, err = f.Replication(t).Exec(t.Context(), start).ReadAll()
	e, ok = errors.AsType[*postgres.Error](postgres.Classify("start replication", err))
	if !ok || e.Kind != postgres.SlotActive || e.PID != int(conn.PID()) {
		t.Errorf("%v", err)
	}
}
