package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/outbox"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// account is an aggregate: its events move an amount.
type account struct {
	Balance int `json:"balance"`
	Applied int `json:"applied"` // events, those of the snapshot included
}

type moved struct{ Amount int }

func (a *account) apply(e eventstore.Recorded) error {
	var m moved
	if err := json.Unmarshal(e.Payload, &m); err != nil {
		return err
	}
	a.Balance += m.Amount
	a.Applied++
	return nil
}

func apply(a *account, e eventstore.Recorded) error { return a.apply(e) }

func move(amount int) eventstore.Event {
	return eventstore.Event{Type: "Moved", Payload: moved{amount}}
}

// fixture is a database with the tables of a store.
type fixture struct {
	devstacktest.Database
	store *eventstore.Store
}

func newFixture(t testing.TB, config eventstore.Config) *fixture {
	t.Helper()
	s, err := eventstore.New(config)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{stack.Database(t), s}
	f.Exec(t, s.DDL())
	return f
}

// in does something in a transaction of pgx and commits it.
func (f *fixture) in(t testing.TB, do func(tx eventstore.Tx) error) error {
	t.Helper()
	return inTx(t.Context(), f.Conn, do)
}

func inTx(ctx context.Context, conn *pgx.Conn, do func(tx eventstore.Tx) error) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if err := do(eventstore.TxFromPgx(tx)); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// append appends in a transaction of its own.
func (f *fixture) append(t testing.TB, stream eventstore.Stream, expected int64, events ...eventstore.Event) (version int64, err error) {
	t.Helper()
	err = f.in(t, func(tx eventstore.Tx) (err error) {
		version, err = f.store.Append(t.Context(), tx, stream, expected, events...)
		return err
	})
	return version, err
}

func (f *fixture) load(t testing.TB, store *eventstore.Store, stream eventstore.Stream) (a account, version int64) {
	t.Helper()
	err := f.in(t, func(tx eventstore.Tx) (err error) {
		loaded, err := eventstore.Load(t.Context(), store, tx, stream, apply)
		if err != nil {
			return err
		}
		a, version = loaded.State(), loaded.Version()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, version
}

var mine = eventstore.Stream{Type: "account", ID: "it's mine"}

func TestAppendAndLoad(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	if a, version := f.load(t, f.store, mine); version != 0 || a != (account{}) {
		t.Errorf("%+v at %d", a, version)
	}
	if version, err := f.append(t, mine, 0, move(10), move(-3)); version != 2 || err != nil {
		t.Fatalf("%d %v", version, err)
	}
	if version, err := f.append(t, eventstore.Stream{Type: "account", ID: "another"}, 0, move(1)); version != 1 || err != nil {
		t.Fatalf("%d %v", version, err)
	}
	if version, err := f.append(t, mine, 2, move(5)); version != 3 || err != nil {
		t.Fatalf("%d %v", version, err)
	}
	if a, version := f.load(t, f.store, mine); version != 3 || a != (account{12, 3}) {
		t.Errorf("%+v at %d", a, version)
	}
	var last int64
	err := f.in(t, func(tx eventstore.Tx) (err error) {
		last, err = f.store.Each(t.Context(), tx, mine, 2, func(e eventstore.Recorded) error {
			if e.Version != 3 || e.Type != "Moved" || string(e.Payload) != `{"Amount": 5}` || len(e.ID) != 36 {
				t.Errorf("%+v", e)
			}
			return nil
		})
		return err
	})
	if err != nil || last != 3 {
		t.Errorf("%d %v", last, err)
	}
}

// An expected version that is not the stream's writes nothing, and the transaction
// stays usable.
func TestConflict(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	if _, err := f.append(t, mine, 0, move(1)); err != nil {
		t.Fatal(err)
	}
	err := f.in(t, func(tx eventstore.Tx) error {
		for _, expected := range []int64{0, 2} {
			_, err := f.store.Append(t.Context(), tx, mine, expected, move(100))
			conflict, ok := errors.AsType[*eventstore.ConflictError](err)
			if !ok || !errors.Is(err, eventstore.ErrConflict) || conflict.Expected != expected || conflict.Actual != 1 {
				t.Errorf("%v", err)
			}
		}
		_, err := f.store.Append(t.Context(), tx, mine, 1, move(2))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := f.load(t, f.store, mine); a != (account{3, 2}) {
		t.Errorf("%+v", a)
	}
	if _, err := f.append(t, mine, -1, move(1)); err == nil {
		t.Error("a version below 0")
	}
	_, err = f.append(t, mine, 2, eventstore.Event{Type: "Moved", Payload: make(chan int)})
	if refused, ok := errors.AsType[*outbox.EventError](err); !ok || refused.Field != "Payload" {
		t.Errorf("%v", err)
	}
	// The same id twice is a fault of the caller's, and no conflict.
	twice := eventstore.Event{ID: "01890a5d-ac96-774b-bcce-b302099a8057", Type: "Moved", Payload: moved{1}}
	if _, err = f.append(t, mine, 2, twice, twice); err == nil || errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("%v", err)
	}
}

// Many at the same time: each decides on what it has read, and of those that rest on
// the same version one wins. Nothing is lost, and no version is there twice. Before the
// first append all have read version 0: on a quick machine they would not meet by chance.
func TestConcurrentAppends(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	const writers, each = 4, 15
	var conflicts sync.Map
	var work, reading sync.WaitGroup
	reading.Add(writers)
	for w := range writers {
		conn := devstacktest.Connect(t, f.Server, f.Name)
		allHaveRead := sync.OnceFunc(func() { reading.Done(); reading.Wait() })
		work.Go(func() {
			defer allHaveRead()
			for done := 0; done < each; {
				err := inTx(t.Context(), conn, func(tx eventstore.Tx) error {
					a, err := eventstore.Load(t.Context(), f.store, tx, mine, apply)
					if err != nil {
						return err
					}
					if a.State().Applied != int(a.Version()) {
						return fmt.Errorf("%+v at %d", a.State(), a.Version())
					}
					allHaveRead()
					return a.Append(t.Context(), tx, move(1))
				})
				switch {
				case err == nil:
					done++
				case errors.Is(err, eventstore.ErrConflict):
					conflicts.Store(w, err)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	if a, version := f.load(t, f.store, mine); version != writers*each || a != (account{writers * each, writers * each}) {
		t.Errorf("%+v at %d", a, version)
	}
	met := 0
	conflicts.Range(func(any, any) bool { met++; return true })
	if met < writers-1 {
		t.Errorf("%d of the %d that lost the first version were told", met, writers-1)
	}
}

// Two that have both read before either has written meet at the constraint.
func TestConflictAtTheConstraint(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	second := devstacktest.Connect(t, f.Server, f.Name)
	first, err := f.Conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Append(t.Context(), eventstore.TxFromPgx(first), mine, 0, move(1)); err != nil {
		t.Fatal(err)
	}
	lost := make(chan error, 1)
	go func() {
		lost <- inTx(t.Context(), second, func(tx eventstore.Tx) error {
			_, err := f.store.Append(t.Context(), tx, mine, 0, move(2))
			return err
		})
	}()
	for waiting := 0; waiting == 0; { // until the second waits for the first
		if err := first.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "+
			"wait_event_type = 'Lock'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Exec(t.Context(), "SELECT pg_stat_clear_snapshot()"); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = <-lost
	if conflict, ok := errors.AsType[*eventstore.ConflictError](err); !ok || conflict.Actual >= 0 {
		t.Errorf("%v", err)
	}
	if a, _ := f.load(t, f.store, mine); a != (account{1, 1}) {
		t.Errorf("%+v", a)
	}
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	for v := range int64(10) {
		if _, err := f.append(t, mine, v, move(1)); err != nil {
			t.Fatal(err)
		}
	}
	save := func(store *eventstore.Store) {
		t.Helper()
		err := f.in(t, func(tx eventstore.Tx) error {
			a, err := eventstore.Load(t.Context(), store, tx, mine, apply)
			if err != nil {
				return err
			}
			return a.SaveSnapshot(t.Context(), tx)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	save(f.store)
	f.Exec(t, `UPDATE events_snapshot SET version = 8, state = '{"balance": 100}'`) // not what the events say, so that it shows
	if a, version := f.load(t, f.store, mine); version != 10 || a != (account{102, 2}) {
		t.Errorf("%+v at %d", a, version)
	}
	f.Exec(t, "UPDATE events_snapshot SET version = 11")
	if a, version := f.load(t, f.store, mine); version != 11 || a != (account{100, 0}) {
		t.Errorf("%+v at %d", a, version)
	}
	f.Exec(t, "UPDATE events_snapshot SET version = 8")
	// A state of another form is loaded from its events, until it has a snapshot.
	other, err := eventstore.New(eventstore.Config{SnapshotSchema: 2})
	if err != nil {
		t.Fatal(err)
	}
	if a, version := f.load(t, other, mine); version != 10 || a != (account{10, 10}) {
		t.Errorf("%+v at %d", a, version)
	}
	save(other)
	if a, _ := f.load(t, other, mine); a != (account{10, 10}) {
		t.Errorf("%+v", a)
	}
	// Events behind a snapshot may go; events that are needed may not.
	f.Exec(t, "DELETE FROM events WHERE version < 10")
	if _, version := f.load(t, other, mine); version != 10 {
		t.Errorf("at %d", version)
	}
	err = f.in(t, func(tx eventstore.Tx) error {
		_, err := eventstore.Load(t.Context(), f.store, tx, mine, apply)
		return err
	})
	if !errors.Is(err, eventstore.ErrGap) {
		t.Errorf("%v", err)
	}
}

// What is appended is in the state and in the snapshot, and an older snapshot does not
// take the place of a newer one.
func TestAggregate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{})
	var early *eventstore.Aggregate[account]
	err := f.in(t, func(tx eventstore.Tx) (err error) {
		if early, err = eventstore.Load(t.Context(), f.store, tx, mine, apply); err != nil {
			return err
		}
		a, err := eventstore.Load(t.Context(), f.store, tx, mine, apply)
		if err != nil {
			return err
		}
		if err := a.Append(t.Context(), tx, move(10), eventstore.Event{Type: "Moved", Payload: `{"Amount": -3}`}); err != nil {
			return err
		}
		if a.State() != (account{7, 2}) || a.Version() != 2 {
			t.Errorf("%+v at %d", a.State(), a.Version())
		}
		if err := early.Append(t.Context(), tx, move(1)); !errors.Is(err, eventstore.ErrConflict) || early.Version() != 0 {
			t.Errorf("%v, at %d", err, early.Version())
		}
		return errors.Join(a.SaveSnapshot(t.Context(), tx), early.SaveSnapshot(t.Context(), tx))
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Exec(t, "DELETE FROM events")
	if a, version := f.load(t, f.store, mine); version != 2 || a != (account{7, 2}) {
		t.Errorf("%+v at %d", a, version)
	}
}

// The same with database/sql, and with other columns and types.
func TestWithDatabaseSQLAndOwnColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, eventstore.Config{
		Outbox: outbox.Config{
			Table: "journal", Columns: outbox.Columns{AggregateType: "Kind", AggregateID: "thing", Payload: "body", SchemaVersion: "form"},
			Types: map[string]string{"body": "bytea", "thing": "bigint"}, Topic: "events.{Kind}",
		},
	})
	stream := eventstore.Stream{Type: "account", ID: "42"}
	tx, err := devstacktest.OpenSQL(t, f.URL).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	in := eventstore.TxFromSQL(tx)
	version, err := f.store.Append(t.Context(), in, stream, 0, move(4),
		eventstore.Event{Type: "Moved", Payload: []byte(`{"Amount":5}`), SchemaVersion: 3})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := eventstore.Load(t.Context(), f.store, in, stream, apply)
	if err != nil || loaded.Version() != version || loaded.State() != (account{9, 2}) {
		t.Fatalf("%+v, %d written: %v", loaded, version, err)
	}
	if err := loaded.SaveSnapshot(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if loaded, err = eventstore.Load(t.Context(), f.store, in, stream, apply); err != nil || loaded.State() != (account{9, 2}) {
		t.Errorf("from the snapshot: %+v: %v", loaded, err)
	}
	if _, err := f.store.Append(t.Context(), in, stream, 1, move(1)); !errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("%v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}
