package preflight_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

// TestServerFaults needs a server of its own: its settings are what is wrong.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{
		"wal_level": "replica", "max_wal_senders": "0", "max_replication_slots": "0", "max_prepared_transactions": "1",
	}})
	if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	if err := server.Exec(t.Context(), "ascii", "BEGIN", "CREATE TABLE public.outbox ()", "PREPARE TRANSACTION 'it''s open'"); err != nil {
		t.Fatal(err)
	}
	conn, err := postgrestest.Target(server.URL("ascii")).SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	i, err := catalog.Inspect(t.Context(), conn, catalog.ObjectNames{
		Table: pgname.Table{Schema: "public", Name: "outbox"}, Publication: "p", Slot: "s",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := postgrestest.Expectations()
	want.Failover = true
	list := preflight.Postgres(i, want)
	for name, text := range map[string]string{
		"wal_level":             "ALTER SYSTEM SET wal_level = logical",
		"max_wal_senders":       "is 0",
		"max_replication_slots": "ALTER SYSTEM SET max_replication_slots",
		"encoding":              "SQL_ASCII",
		"prepared transactions": "ROLLBACK PREPARED 'it''s open'",
	} {
		if r := find(t, list, name); !strings.Contains(r.Detail+r.Fix, text) {
			t.Errorf("%s: %s [%s]", name, r.Detail, r.Fix)
		}
	}
	_, err = postgrestest.Target(server.URL("ascii")).Replication(t.Context())
	r := preflight.UnreadableRequirement("connection", err)
	if postgres.KindOf(err) != postgres.TooMany || r.Exit != 0 || r.State != preflight.Failed {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

// TestLostSlot: the server gave the slot up for max_slot_wal_keep_size.
func TestLostSlot(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_slot_wal_keep_size": "1MB"}})
	if err := server.Exec(t.Context(), "postgres", provision.CreateTableSQL(pgname.Table{Schema: "public", Name: "outbox"},
		postgrestest.Columns()),
		provision.CreatePublicationSQL("p", pgname.Table{Schema: "public", Name: "outbox"}, provision.PublicationOptions{}),
		provision.CreateSlotSQL("s", false),
		// Two segments on, what the slot needs is more than 1 MB behind.
		"SELECT pg_switch_wal()", "CREATE TABLE public.a ()", "SELECT pg_switch_wal()", "CREATE TABLE public.b ()",
		"SELECT pg_switch_wal()",
		"CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	target := postgrestest.Target(server.URL("postgres"))
	conn, err := target.SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	i, err := catalog.Inspect(t.Context(), conn, catalog.ObjectNames{
		Table: pgname.Table{Schema: "public", Name: "outbox"}, Publication: "p", Slot: "s",
	})
	if err != nil {
		t.Fatal(err)
	}
	start := preflight.CheckStart(preflight.Postgres(i, postgrestest.Expectations()))
	if start == nil || start.Exit != 4 || !strings.Contains(start.Error(), "s is lost") ||
		!strings.Contains(start.Error(), "walpost recover") {
		t.Errorf("%v", start)
	}
	if status := i.Slot; status.WALStatus != "lost" {
		t.Errorf("%+v", status)
	}
	replication, err := target.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer replication.Close(t.Context())
	_, err = replication.Exec(t.Context(), `START_REPLICATION SLOT "s" LOGICAL 0/0 (proto_version '1', publication_names 'p')`).ReadAll()
	if err = postgres.Classify("start", err); postgres.KindOf(err) != postgres.NotReady {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}
