// Package outboxtest is a table of events on a real server, for the tests of package
// outbox and of what keeps its table small.
package outboxtest

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/outbox"
)

// Store is a database with the table of a configuration.
type Store struct {
	devstacktest.Database
	Events *outbox.Writer
	SQL    *sql.DB
}

// New makes the table in a database.
func New(t testing.TB, db devstacktest.Database, config outbox.Config) *Store {
	t.Helper()
	events, err := outbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, events.DDL())
	return &Store{Database: db, Events: events, SQL: devstacktest.OpenSQL(t, db.URL)}
}

// Connect opens another connection.
func (s *Store) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return devstacktest.Connect(t, s.Server, s.Name)
}

// Write commits events in a transaction of pgx.
func (s *Store) Write(t testing.TB, events ...outbox.Event) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), s.Conn, func(tx pgx.Tx) error {
		return s.Events.Write(t.Context(), outbox.TxFromPgx(tx), events...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Text is what a query gives, one line for each row.
func (s *Store) Text(t testing.TB, query string, args ...any) []string {
	t.Helper()
	rows, err := s.Conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Want compares what a query gives.
func (s *Store) Want(t testing.TB, query string, lines ...string) {
	t.Helper()
	if got := s.Text(t, query); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", lines) {
		t.Errorf("%s:\n got %q\nwant %q", query, got, lines)
	}
}

// Event is one with a number.
func Event(n int) outbox.Event {
	return outbox.Event{AggregateType: "order", AggregateID: "42", Type: "Created", Payload: map[string]int{"n": n}}
}

// Events are those with these numbers.
func Events(from, to int) []outbox.Event {
	var all []outbox.Event
	for n := from; n <= to; n++ {
		all = append(all, Event(n))
	}
	return all
}

// Numbers is the payloads' n, in the order of the ids.
const Numbers = "SELECT payload->>'n' FROM outbox ORDER BY id"

// MustWrite writes an event in a transaction of pgx.
func (s *Store) MustWrite(t *testing.T, tx pgx.Tx, n int) {
	t.Helper()
	if err := s.Events.Write(t.Context(), outbox.TxFromPgx(tx), Event(n)); err != nil {
		t.Fatal(err)
	}
}
