package preflight_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

// fault is one way to break a database, and what `check` and the start of `run`
// must say of it. $NAME in SQL is the name of database, publication and slot, $ROLE
// the relay's role.
type fault struct {
	init   func(*postgrestest.Fixture, testing.TB) // nil: everything is there
	sql    []string
	want   func(*preflight.PostgresExpectations)
	name   string // of the requirement that is not ok
	state  preflight.State
	exit   int // of CheckStart
	detail string
	fix    string
}

func nothing(*postgrestest.Fixture, testing.TB)         {}
func onlyTable(f *postgrestest.Fixture, t testing.TB)   { f.CreateTable(t) }
func withoutSlot(f *postgrestest.Fixture, t testing.TB) { f.CreateTable(t); f.CreatePublication(t) }

// partitionedWith is a complete partitioned outbox, and then what is done to it.
func partitionedWith(then ...string) []string {
	return append([]string{
		"CREATE TABLE public.outbox (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb) PARTITION BY HASH (id)",
		"CREATE TABLE public.outbox_0 PARTITION OF public.outbox FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
		"CREATE PUBLICATION $NAME FOR TABLE public.outbox WITH (publish = 'insert', publish_via_partition_root = true)",
		"SELECT pg_create_logical_replication_slot('$NAME', 'pgoutput')",
	}, then...)
}

func faults() map[string]fault {
	return map[string]fault{
		"no table": {
			init: nothing, name: "table", state: preflight.Failed, exit: 3, detail: "public.outbox does not exist", fix: "walpost init",
		},
		"view": {
			init: nothing, sql: []string{"CREATE VIEW public.outbox AS SELECT 1 AS id"},
			name: "table", state: preflight.Failed, exit: 3, detail: "a view",
		},
		"unlogged": {
			init: nothing, sql: []string{"CREATE UNLOGGED TABLE public.outbox ()"}, name: "table", state: preflight.Failed, exit: 3,
			detail: "unlogged", fix: "SET LOGGED",
		},
		"a partition": {
			init: nothing, sql: []string{
				"CREATE TABLE public.root (id int) PARTITION BY RANGE (id)", "CREATE TABLE public.outbox PARTITION OF public.root DEFAULT",
			}, name: "table", state: preflight.Failed, exit: 3, detail: "is a partition", fix: "outbox.table: public.root",
		},
		"a table inherits": {
			sql: []string{"CREATE TABLE public.outbox_2026 () INHERITS (public.outbox)"}, name: "rows outside of the stream",
			state: preflight.Failed, exit: 3, detail: "public.outbox_2026 inherits from public.outbox", fix: "NO INHERIT",
		},
		"unlogged partition": {
			init: nothing, sql: partitionedWith("CREATE UNLOGGED TABLE public.outbox_1 PARTITION OF public.outbox FOR VALUES WITH " +
				"(MODULUS 2, REMAINDER 1)"),
			name: "rows outside of the stream", state: preflight.Failed,
			exit: 3, detail: "outbox_1 of public.outbox is unlogged", fix: "SET LOGGED",
		},
		"partition set unlogged": {
			init: nothing, sql: partitionedWith("ALTER TABLE public.outbox_0 SET UNLOGGED"),
			name: "rows outside of the stream", state: preflight.Failed,
			exit: 3, detail: "outbox_0 of public.outbox is unlogged", fix: "SET LOGGED",
		},
		"foreign partition": {
			init: nothing, sql: partitionedWith("CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER w",
				"CREATE FOREIGN TABLE public.outbox_1 PARTITION OF public.outbox FOR VALUES WITH (MODULUS 2, REMAINDER 1) SERVER s"),
			name: "rows outside of the stream", state: preflight.Failed, exit: 3, detail: "outbox_1 of public.outbox is a foreign table",
			fix: "DETACH PARTITION",
		},
		"partition key that others may update": {
			init: nothing, sql: partitionedWith("GRANT SELECT, UPDATE ON public.outbox TO $ROLE"),
			name: "table", state: preflight.Warning, detail: "may UPDATE it: a row whose partition key changes is published again",
			fix: "REVOKE UPDATE ON",
		},
		"column, no slot": {
			init: onlyTable, sql: []string{"ALTER TABLE public.outbox RENAME payload TO body"}, name: "column payload",
			state: preflight.Failed, exit: 3, detail: "it has id, aggregatetype, aggregateid, type, body", fix: "outbox.value",
		},
		"column, slot": {
			sql: []string{"ALTER TABLE public.outbox RENAME payload TO body"}, name: "column payload", state: preflight.Failed, exit: 0,
		},
		"column type": {init: onlyTable, want: func(w *preflight.PostgresExpectations) {
			w.CheckColumns = func(r *pgoutput.Relation) []preflight.Requirement {
				if len(r.Columns) != 5 || r.Columns[0].TypeOID != 2950 || r.Namespace != "public" {
					return nil
				}
				return []preflight.Requirement{{Name: "column id", State: preflight.Failed, Detail: "is a uuid"}}
			}
		}, name: "column id", state: preflight.Failed, exit: 3, detail: "is a uuid"},

		"nothing yet, no create": {
			init: onlyTable, want: func(w *preflight.PostgresExpectations) { w.Create = false }, name: "slot", state: preflight.Failed,
			exit: 3, detail: "postgres.create is false", fix: "pg_create_logical_replication_slot",
		},
		"nothing yet, no right": {
			init: onlyTable, name: "publication", state: preflight.Failed, exit: 3, detail: "ownership of the table", fix: "FOR TABLE",
		},
		"publication alone": {
			init: withoutSlot, name: "slot", state: preflight.Failed, exit: 4, detail: "committed before the slot", fix: "walpost init",
		},
		"publication dropped": {
			sql: []string{"DROP PUBLICATION $NAME"}, name: "publication", state: preflight.Failed, exit: 4, detail: "are not in the stream",
			fix: "walpost recover",
		},
		"table taken out": {
			sql: []string{"ALTER PUBLICATION $NAME DROP TABLE public.outbox"}, name: "published table", state: preflight.Failed, exit: 4,
			detail: "is not in publication", fix: "ADD TABLE",
		},
		"no inserts": {
			sql: []string{"ALTER PUBLICATION $NAME SET (publish = 'truncate')"}, name: "published inserts", state: preflight.Failed,
			exit: 4, fix: "publish = 'insert'",
		},
		"row filter": {
			sql: []string{"ALTER PUBLICATION $NAME SET TABLE public.outbox WHERE (type <> 'x')"}, name: "row filter",
			state: preflight.Failed, exit: 4, detail: "type <> 'x'", fix: "BEGIN; ALTER PUBLICATION",
		},
		"column list": {
			sql: []string{"ALTER PUBLICATION $NAME SET TABLE public.outbox (id, aggregatetype, aggregateid)"}, name: "column list",
			state: preflight.Failed, exit: 4, detail: "does not publish type, payload",
		},
		"replica identity": {
			sql: []string{
				"ALTER TABLE public.outbox DROP CONSTRAINT outbox_pkey", "ALTER PUBLICATION $NAME SET (publish = 'insert, update')",
			},
			name: "replica identity", state: preflight.Warning, detail: "55000", fix: "publish = 'insert'",
		},
		"partitions without root": {init: nothing, sql: []string{
			"CREATE TABLE public.outbox (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb) PARTITION BY HASH (id)",
			"CREATE TABLE public.outbox_0 PARTITION OF public.outbox FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
			"CREATE PUBLICATION $NAME FOR TABLE public.outbox WITH (publish = 'insert')",
			"SELECT pg_create_logical_replication_slot('$NAME', 'pgoutput')",
		}, name: "published table", state: preflight.Failed, exit: 3, detail: "through its root", fix: "publish_via_partition_root = true"},
		"one partition only": {init: nothing, sql: []string{
			"CREATE TABLE public.outbox (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb) PARTITION BY HASH (id)",
			"CREATE TABLE public.outbox_0 PARTITION OF public.outbox FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
			"CREATE PUBLICATION $NAME FOR TABLE public.outbox_0 WITH (publish_via_partition_root = true)",
			"SELECT pg_create_logical_replication_slot('$NAME', 'pgoutput')",
		}, name: "published table", state: preflight.Failed, exit: 4, detail: "is not in publication"},

		"role": {
			sql: []string{"ALTER ROLE $ROLE NOREPLICATION"}, name: "role",
			state: preflight.Failed, exit: 3, detail: "no REPLICATION", fix: "ALTER ROLE",
		},
		"sslmode": {
			want: func(w *preflight.PostgresExpectations) { w.TLS = postgres.TLSRequire }, name: "sslmode", state: preflight.Warning,
			detail: "not authenticated", fix: "verify-full",
		},
		"physical slot": {
			init: withoutSlot, sql: []string{"SELECT pg_create_physical_replication_slot('$NAME')"}, name: "slot", state: preflight.Failed,
			exit: 3, detail: "is physical",
		},
		"two_phase": {
			init: withoutSlot, sql: []string{"SELECT pg_create_logical_replication_slot('$NAME', 'pgoutput', false, true)"},
			name: "two_phase", state: preflight.Failed, exit: 3, detail: "decodes prepared transactions", fix: "walpost recover -c FILE",
		},
		"foreign plugin": {
			init: withoutSlot, sql: []string{"SELECT pg_create_logical_replication_slot('$NAME', 'test_decoding')"}, name: "slot",
			state: preflight.Failed, exit: 3, detail: "plugin test_decoding",
		},
	}
}

func TestEveryFaultIsNamedWithItsFix(t *testing.T) {
	t.Parallel()
	for name, c := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := postgrestest.NewFixture(t, &stack)
			if c.init == nil {
				c.init = (*postgrestest.Fixture).Complete
			}
			c.init(f, t)
			for _, sql := range c.sql {
				f.Exec(t, strings.NewReplacer("$NAME", f.Name, "$ROLE", f.Role).Replace(sql))
			}
			want := postgrestest.Expectations()
			if c.want != nil {
				c.want(&want)
			}
			list := preflight.Postgres(f.Inspect(t), want)
			r := find(t, list, c.name)
			if r.State != c.state || !strings.Contains(r.Detail, c.detail) || !strings.Contains(r.Fix, c.fix) {
				t.Errorf("got %s %s: %s [%s]", r.State, r.Name, r.Detail, r.Fix)
			}
			exit := 0
			if start := preflight.CheckStart(list); start != nil {
				exit = start.Exit
			}
			if exit != c.exit {
				t.Errorf("exit %d, want %d:\n%s", exit, c.exit, postgrestest.Lines(list))
			}
		})
	}
}

// TestFirstStartCreates: with `create` and the rights for it, nothing there yet
// is no fault.
func TestFirstStartCreates(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.CreateTable(t)
	f.Exec(t, "ALTER TABLE public.outbox OWNER TO "+f.Role, "GRANT CREATE ON DATABASE "+f.Name+" TO "+f.Role)
	if start := preflight.CheckStart(preflight.Postgres(f.Inspect(t), postgrestest.Expectations())); start != nil {
		t.Error(start)
	}
	if _, err := provision.CreatePublication(t.Context(), postgrestest.OpenSQL(t, f.Relay),
		f.Names.Publication, f.Names.Table, postgrestest.Columns(), ""); err != nil {
		t.Error(err)
	}
}

func TestSlotOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	f, other := postgrestest.NewFixture(t, &stack), postgrestest.NewFixture(t, &stack)
	f.Complete(t)
	other.Complete(t)
	f.Names.Slot = other.Names.Slot
	start := preflight.CheckStart(preflight.Postgres(f.Inspect(t), postgrestest.Expectations()))
	if start == nil || start.Exit != 3 || !strings.Contains(start.Error(), "belongs to database "+other.Name) {
		t.Errorf("%v", start)
	}
}

// find returns the one requirement of that name that is not ok.
func find(t *testing.T, list []preflight.Requirement, name string) preflight.Requirement {
	t.Helper()
	for _, r := range list {
		if r.Name == name && r.State != preflight.OK {
			return r
		}
	}
	t.Fatalf("%s is not among the faults of\n%s", name, postgrestest.Lines(list))
	return preflight.Requirement{}
}
