package retention_test

import (
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// store is a database of its own with the table of a configuration.
type store struct {
	devstacktest.Database
	config outbox.Config
	events *outbox.Writer
	sql    *sql.DB
	db     retention.DB
}

func newStore(t testing.TB, config outbox.Config) *store {
	t.Helper()
	events, err := outbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	db := stack.Database(t)
	db.Exec(t, events.DDL())
	pool := devstacktest.OpenSQL(t, db.URL)
	return &store{Database: db, config: config, events: events, sql: pool, db: retention.SQL(pool)}
}

// pruner makes a Pruner, which must work.
func pruner(t testing.TB, config retention.Config) *retention.Pruner {
	t.Helper()
	p, err := retention.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// connect opens another connection.
func (s *store) connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return devstacktest.Connect(t, s.Server, s.Name)
}

// write commits events in a transaction of pgx.
func (s *store) write(t testing.TB, events ...outbox.Event) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), s.Conn, func(tx pgx.Tx) error {
		return s.events.Write(t.Context(), outbox.Pgx(tx), events...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// text is what a query gives, one line for each row.
func (s *store) text(t testing.TB, query string, args ...any) []string {
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

// want compares what a query gives.
func (s *store) want(t testing.TB, query string, lines ...string) {
	t.Helper()
	if got := s.text(t, query); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", lines) {
		t.Errorf("%s:\n got %q\nwant %q", query, got, lines)
	}
}

// event is one with a number.
func event(n int) outbox.Event {
	return outbox.Event{AggregateType: "order", AggregateID: "42", Type: "Created", Payload: map[string]int{"n": n}}
}

func events(from, to int) []outbox.Event {
	var all []outbox.Event
	for n := from; n <= to; n++ {
		all = append(all, event(n))
	}
	return all
}

// numbers is the payloads' n, in the order of the ids.
const numbers = "SELECT payload->>'n' FROM outbox ORDER BY id"

// mustWrite writes an event in a transaction of pgx.
func (s *store) mustWrite(t *testing.T, tx pgx.Tx, n int) {
	t.Helper()
	if err := s.events.Write(t.Context(), outbox.Pgx(tx), event(n)); err != nil {
		t.Fatal(err)
	}
}
