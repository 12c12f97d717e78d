package replication

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

// debezium are the columns of the smallest useful configuration.
func debezium() catalog.OutboxColumns {
	return catalog.OutboxColumns{
		ID: "id", Topic: []string{"aggregatetype"}, Key: "aggregateid", Value: "payload", Headers: []string{"type"},
	}
}

// fixture is a database with a role that has LOGIN REPLICATION and nothing else.
type fixture struct {
	devstacktest.Database
	names catalog.ObjectNames
	relay postgres.Target // the role
	owner postgres.Target // the superuser
	role  string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Database: stack.Database(t), role: stack.Name(t)}
	f.names = catalog.ObjectNames{Table: postgres.TableName{Schema: "public", Name: "outbox"}, Publication: f.Name, Slot: f.Name}
	f.Exec(t, "CREATE ROLE "+f.role+" LOGIN REPLICATION")
	f.relay = targetOf(f.Server.URLFor(f.role, "", f.Name))
	f.owner = targetOf(f.URL)
	return f
}

// complete makes table, publication and slot as `init` does.
func (f *fixture) complete(t *testing.T) {
	t.Helper()
	f.table(t)
	f.publication(t)
	f.slot(t)
}

func (f *fixture) table(t *testing.T) {
	t.Helper()
	if _, err := provision.CreateTable(t.Context(), openSQL(t, f.owner), f.names.Table, debezium()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) publication(t *testing.T) {
	t.Helper()
	if _, err := provision.CreatePublication(t.Context(), openSQL(t, f.owner),
		f.names.Publication, f.names.Table, debezium(), ""); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) slot(t *testing.T) provision.CreatedSlot {
	t.Helper()
	slot, err := provision.CreateSlot(t.Context(), f.replication(t), f.names.Slot, false)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

func (f *fixture) replication(t *testing.T) *pgconn.PgConn {
	t.Helper()
	conn, err := f.relay.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// inspect looks with the role that may do least.
func (f *fixture) inspect(t *testing.T) *catalog.Inspection {
	t.Helper()
	i, err := catalog.Inspect(t.Context(), openSQL(t, f.relay), f.names)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wanted is what the smallest useful configuration asks for.
func wanted() preflight.PostgresExpectations {
	return preflight.PostgresExpectations{Columns: debezium(), Create: true, TLS: postgres.TLSVerifyFull}
}

// find gives the one requirement of that name that is not ok.
func find(t *testing.T, list []preflight.Requirement, name string) preflight.Requirement {
	t.Helper()
	for _, r := range list {
		if r.Name == name && r.State != preflight.OK {
			return r
		}
	}
	t.Fatalf("%s is not among the faults of\n%s", name, lines(list))
	return preflight.Requirement{}
}

func lines(list []preflight.Requirement) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(r.State.String() + " " + r.Name + ": " + r.Detail + " [" + r.Fix + "]\n")
	}
	return b.String()
}

func queryOf(sql string) *pgproto3.Query { return &pgproto3.Query{String: sql} }

func openSQL(t *testing.T, target postgres.Target) *pgx.Conn {
	t.Helper()
	conn, err := target.SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
