package devstacktest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx of database/sql

	"github.com/walpost/walpost/dev/devstack"
)

// Database is a database of its own for one test, on the shared Postgres or on a server of the test's own.
type Database struct {
	// Name is unique in the shared server, so that it serves for the test's slot and publication too.
	Name string
	// URL is for the superuser, by TCP.
	URL string
	// Conn is a connection as superuser, for the test's goroutine alone.
	Conn *pgx.Conn
	// Server is where the database is.
	Server *devstack.Postgres
}

// Exec runs statements one by one and fails the test at the first error.
func (d Database) Exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := d.Conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Value is the one value that SQL answers with.
func Value[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// Database creates a database. When the test ends it is dropped, with its slots and
// connections.
func (s *Stack) Database(t testing.TB) Database {
	t.Helper()
	return s.DatabaseOf(t, "")
}

// DatabaseOf is Database with options of CREATE DATABASE.
func (s *Stack) DatabaseOf(t testing.TB, options string) Database {
	t.Helper()
	return CreateDatabase(t, s.Postgres(t), s.Name(t), options)
}

// CreateDatabase creates a database on a server, and drops it when the test ends.
func CreateDatabase(t testing.TB, server *devstack.Postgres, name, options string) Database {
	t.Helper()
	if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE "+name+" "+options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), Patience)
		defer cancel()
		if err := server.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return DatabaseOn(t, server, name)
}

// DatabaseOn is a database that is there already, on a server of the test's own.
func DatabaseOn(t testing.TB, server *devstack.Postgres, name string) Database {
	t.Helper()
	return Database{Name: name, URL: server.URL(name), Conn: Connect(t, server, name), Server: server}
}

// Connect opens a connection as superuser, which the test's end closes.
func Connect(t testing.TB, server *devstack.Postgres, database string) *pgx.Conn {
	t.Helper()
	conn, err := server.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// OpenSQL opens a pool of database/sql over pgx, which the test's end closes.
func OpenSQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

// revokeMessages goes over every form of the function, which differ by major.
const revokeMessages = `DO $$ DECLARE f regprocedure; BEGIN
	FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message' LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
	END LOOP; END $$`

// RevokeMessages leaves pg_logical_emit_message to superusers.
func (d Database) RevokeMessages(t testing.TB) {
	t.Helper()
	d.Exec(t, revokeMessages)
}
