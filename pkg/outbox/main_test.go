package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/outbox"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// store is a database of its own with the table of a configuration.
type store struct {
	devstacktest.Database
	outbox *outbox.Writer
	sql    *sql.DB
}

func newStore(t testing.TB, config outbox.Config) *store {
	t.Helper()
	return storeOn(t, stack.Database(t), config)
}

func storeOn(t testing.TB, db devstacktest.Database, config outbox.Config) *store {
	t.Helper()
	o, err := outbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, o.DDL())
	return &store{Database: db, outbox: o, sql: devstacktest.OpenSQL(t, db.URL)}
}

// connect opens another connection.
func (s *store) connect(t testing.TB) *pgx.Conn {
	t.Helper()
	conn := devstacktest.Connect(t, s.Server, s.Name)
	return conn
}

// write commits events in a transaction of pgx.
func (s *store) write(t testing.TB, events ...outbox.Event) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), s.Conn, func(tx pgx.Tx) error {
		return s.outbox.Write(t.Context(), outbox.Pgx(tx), events...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// text returns what a query gives, one line for each row.
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

// counted is a transaction that counts statements. It runs none if there is no inner.
type counted struct {
	outbox.Tx

	inner      outbox.Tx
	statements []string
	args       [][]any
}

func (c *counted) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.statements = append(c.statements, query)
	c.args = append(c.args, args)
	if c.inner == nil {
		return nil, fmt.Errorf("the database was touched: %s", query)
	}
	return c.inner.ExecContext(ctx, query, args...)
}
