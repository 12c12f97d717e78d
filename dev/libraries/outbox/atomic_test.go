package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
)

// shop is a service whose every order has an event in the table and one in a
// message, each with a relay: an event is in Kafka if, and only if, its order is
// in the database.
type shop struct {
	*store
	topics map[string]string // of each source
	slots  []string
	last   int // number of an order
}

func openShop(t *testing.T) *shop {
	t.Helper()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_prepared_transactions": "2"}})
	conn := devstacktest.Connect(t, server, "postgres")
	s := &shop{
		store: &store{outboxtest.New(t, devstacktest.Database{Name: "postgres", URL: server.URL("postgres"), Conn: conn, Server: server},
			outbox.Config{})},
		topics: map[string]string{},
	}
	s.RevokeMessages(t)
	s.Exec(t, "CREATE TABLE customers (id int PRIMARY KEY)", "INSERT INTO customers VALUES (1)",
		"CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers DEFERRABLE INITIALLY DEFERRED)")
	for _, source := range []string{"table", "message"} {
		s.topics[source] = stack.Name(t) + "." + source
		s.slots = append(s.slots, s.relay(t, keys{"name": source, "outbox.source": source, "outbox.topic": s.topics[source]}))
	}
	return s
}

// place makes the next order with its events.
func (s *shop) place(ctx context.Context, tx outbox.Tx, customer int) error {
	s.last++
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO orders VALUES (%d, %d)", s.last, customer)); err != nil {
		return err
	}
	e := outboxtest.Event(s.last)
	return errors.Join(s.Events.Write(ctx, tx, e), s.Events.Emit(ctx, tx, e))
}

// pgx runs a transaction of pgx to its end, which may fail.
func (s *shop) pgx(t *testing.T, body func(tx pgx.Tx) error, end func(*pgx.Conn, pgx.Tx)) {
	t.Helper()
	conn, err := s.Server.Connect(t.Context(), s.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := body(tx); err != nil {
		t.Fatal(err)
	}
	end(conn, tx)
}

// std is pgx for database/sql.
//
//nolint:revive // the context is what the case is about
func (s *shop) std(t *testing.T, ctx context.Context, body func(tx *sql.Tx) error, end func(*sql.Tx)) {
	t.Helper()
	tx, err := s.SQL.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := body(tx); err != nil {
		t.Fatal(err)
	}
	end(tx)
}

// An event if, and only if, the transaction committed, whatever its caller came to
// know of that.
func TestEventIfAndOnlyIfCommitted(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	ctx := t.Context()
	one := func(tx pgx.Tx) error { return s.place(ctx, outbox.TxFromPgx(tx), 1) }
	commit := func(_ *pgx.Conn, tx pgx.Tx) { _ = tx.Commit(ctx) }
	oneStd := func(tx *sql.Tx) error { return s.place(ctx, tx, 1) }

	s.pgx(t, one, commit)
	s.pgx(t, one, func(_ *pgx.Conn, tx pgx.Tx) { _ = tx.Rollback(ctx) })
	s.pgx(t, one, func(conn *pgx.Conn, _ pgx.Tx) { _ = conn.Close(ctx) })
	s.pgx(t, func(tx pgx.Tx) error { return s.savepoints(ctx, tx) }, commit)
	s.pgx(t, func(tx pgx.Tx) error { // a statement that fails, then COMMIT
		err := one(tx)
		_, _ = tx.Exec(ctx, "SELECT 1/0")
		return err
	}, commit)
	s.pgx(t, func(tx pgx.Tx) error { return s.place(ctx, outbox.TxFromPgx(tx), 404) }, commit) // COMMIT itself fails
	s.std(t, ctx, oneStd, func(tx *sql.Tx) { _ = tx.Commit() })
	s.std(t, ctx, oneStd, func(tx *sql.Tx) { _ = tx.Rollback() })
	s.std(t, ctx, func(tx *sql.Tx) error {
		_, err1 := tx.ExecContext(ctx, "SAVEPOINT a")
		err2 := oneStd(tx)
		_, err3 := tx.ExecContext(ctx, "ROLLBACK TO a")
		return errors.Join(err1, err2, err3, oneStd(tx))
	}, func(tx *sql.Tx) { _ = tx.Commit() })
	s.prepared(t)
	s.unknown(t)

	s.Want(t, "SELECT id::text FROM orders WHERE id <= 15 ORDER BY orders.id", "1", "4", "7", "10", "13", "14") // before the unknown ones
	want := s.Text(t, "SELECT id::text FROM orders")
	s.confirmed(t)
	for source, topic := range s.topics {
		got := numbersIn(records(t, topic, len(want)))
		if slices.Sort(want); !slices.Equal(got, want) || len(got) < 6 {
			t.Errorf("%s: events of %v, orders %v", source, got, want)
		}
	}
	t.Logf("%d orders were tried, %d are there", s.last, len(want))
}

// savepoints places an order before, inside and after one that is rolled back, and
// one that is released in one that is rolled back.
func (s *shop) savepoints(ctx context.Context, tx pgx.Tx) error {
	before := s.place(ctx, outbox.TxFromPgx(tx), 1)
	outer, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	inside := s.place(ctx, outbox.TxFromPgx(outer), 1)
	inner, err := outer.Begin(ctx)
	if err != nil {
		return err
	}
	innermost := s.place(ctx, outbox.TxFromPgx(inner), 1)
	return errors.Join(before, inside, innermost, inner.Commit(ctx), outer.Rollback(ctx), s.place(ctx, outbox.TxFromPgx(tx), 1))
}

// prepared is two-phase commit, one that commits and one that does not.
func (s *shop) prepared(t *testing.T) {
	t.Helper()
	for _, end := range []string{"COMMIT", "ROLLBACK"} {
		s.Exec(t, "BEGIN")
		if err := s.place(t.Context(), outbox.UncheckedPgx(s.Conn), 1); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, "PREPARE TRANSACTION 'p'", end+" PREPARED 'p'")
	}
}

// unknown is commits whose outcome the caller does not know: cancelled before,
// during or after, or cut off by the server.
func (s *shop) unknown(t *testing.T) {
	t.Helper()
	for range 15 {
		s.pgx(t, func(tx pgx.Tx) error { return s.place(t.Context(), outbox.TxFromPgx(tx), 1) }, func(_ *pgx.Conn, tx pgx.Tx) {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			_ = tx.Commit(ctx)
		})
		s.pgx(t, func(tx pgx.Tx) error { return s.place(t.Context(), outbox.TxFromPgx(tx), 1) }, func(conn *pgx.Conn, tx pgx.Tx) {
			terminated := make(chan error, 1)
			go func(pid uint32) {
				_, err := s.SQL.ExecContext(t.Context(), fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
				terminated <- err
			}(conn.PgConn().PID())
			_ = tx.Commit(t.Context())
			if err := <-terminated; err != nil {
				t.Error(err)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		s.std(t, ctx, func(tx *sql.Tx) error { return s.place(t.Context(), tx, 1) }, func(tx *sql.Tx) {
			go cancel() // which rolls back, if it comes before COMMIT
			_ = tx.Commit()
		})
		cancel()
	}
	devstacktest.Await(t, "all sessions to end", func() bool {
		return len(s.Text(t, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client "+
			"backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()")) == 0
	})
}

// confirmed waits until both slots are past all that was written.
func (s *shop) confirmed(t *testing.T) {
	t.Helper()
	end := s.Text(t, "SELECT pg_current_wal_insert_lsn()::text")[0]
	devstacktest.Await(t, "the slots to be confirmed", func() bool {
		return len(s.Text(t, "SELECT slot_name::text FROM pg_replication_slots WHERE confirmed_flush_lsn >= '"+end+"'")) == len(s.slots)
	})
}

// numbersIn are the numbers of the events, sorted as texts.
func numbersIn(all []*sarama.ConsumerMessage) []string {
	var got []string
	for _, r := range all {
		got = append(got, strings.Trim(string(r.Value), `{"n: }`))
	}
	slices.Sort(got)
	return got
}
