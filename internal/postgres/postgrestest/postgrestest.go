// Package postgrestest makes databases with an outbox for tests, as `init` does.
package postgrestest

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
)

// Columns returns the columns of the smallest useful configuration.
func Columns() catalog.OutboxColumns {
	return catalog.OutboxColumns{
		ID: "id", Topic: []string{"aggregatetype"}, Key: "aggregateid", Value: "payload", Headers: []string{"type"},
	}
}

// Expectations returns what the smallest useful configuration asks for.
func Expectations() preflight.PostgresExpectations {
	return preflight.PostgresExpectations{Columns: Columns(), Create: true, TLS: postgres.TLSVerifyFull}
}

// Lines returns requirements as a failed test shows them.
func Lines(list []preflight.Requirement) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(r.State.String() + " " + r.Name + ": " + r.Detail + " [" + r.Fix + "]\n")
	}
	return b.String()
}

// Target returns the target with this URL.
func Target(url string) postgres.Target {
	return postgres.Target{URL: func() (string, error) { return url, nil }}
}

// OpenSQL returns a connection that the test's end closes.
func OpenSQL(t testing.TB, target postgres.Target) *pgx.Conn {
	t.Helper()
	conn, err := target.SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// Fixture is a database with a role that has LOGIN REPLICATION and nothing else.
type Fixture struct {
	devstacktest.Database
	Names catalog.ObjectNames
	Relay postgres.Target // the role
	Owner postgres.Target // the superuser
	Role  string
}

// NewFixture returns a new database of the shared server, without a table.
func NewFixture(t testing.TB, stack *devstacktest.Stack) *Fixture {
	t.Helper()
	f := &Fixture{Database: stack.Database(t), Role: stack.Name(t)}
	f.Names = catalog.ObjectNames{Table: pgname.Table{Schema: "public", Name: "outbox"}, Publication: f.Name, Slot: f.Name}
	f.Exec(t, "CREATE ROLE "+f.Role+" LOGIN REPLICATION")
	f.Relay = Target(f.Server.URLFor(f.Role, "", f.Name))
	f.Owner = Target(f.URL)
	return f
}

// Complete creates table, publication and slot.
func (f *Fixture) Complete(t testing.TB) {
	t.Helper()
	f.CreateTable(t)
	f.CreatePublication(t)
	f.CreateSlot(t)
}

// CreateTable creates the outbox.
func (f *Fixture) CreateTable(t testing.TB) {
	t.Helper()
	if _, err := provision.CreateTable(t.Context(), OpenSQL(t, f.Owner), f.Names.Table, Columns()); err != nil {
		t.Fatal(err)
	}
}

// CreatePublication publishes the outbox.
func (f *Fixture) CreatePublication(t testing.TB) {
	t.Helper()
	if _, err := provision.CreatePublication(t.Context(), OpenSQL(t, f.Owner),
		f.Names.Publication, f.Names.Table, Columns(), ""); err != nil {
		t.Fatal(err)
	}
}

// CreateSlot creates the slot, as the role.
func (f *Fixture) CreateSlot(t testing.TB) provision.CreatedSlot {
	t.Helper()
	slot, err := provision.CreateSlot(t.Context(), f.Replication(t), f.Names.Slot, false)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// Replication returns a replication connection of the role, which the test's end closes.
func (f *Fixture) Replication(t testing.TB) *pgconn.PgConn {
	t.Helper()
	conn, err := f.Relay.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// Inspect returns what the role sees.
func (f *Fixture) Inspect(t testing.TB) *catalog.Inspection {
	t.Helper()
	i, err := catalog.Inspect(t.Context(), OpenSQL(t, f.Relay), f.Names)
	if err != nil {
		t.Fatal(err)
	}
	return i
}
