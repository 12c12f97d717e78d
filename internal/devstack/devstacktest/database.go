package devstacktest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/devstack"
)

// Database is a database of its own for one test in the shared Postgres.
type Database struct {
	// Name is unique in the server, so that it serves for the test's slot and publication too.
	Name string
	// URL is for the superuser, by TCP.
	URL string
	// Conn is a connection as superuser, for the test's goroutine alone.
	Conn *pgx.Conn
	// Server is the shared server.
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

// Database makes one. When the test ends it is dropped with its slots and connections.
func (s *Stack) Database(t testing.TB) Database {
	t.Helper()
	server := s.Postgres(t)
	name := s.Name(t)
	if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := server.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	})
	conn, err := server.Connect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return Database{Name: name, URL: server.URL(name), Conn: conn, Server: server}
}
