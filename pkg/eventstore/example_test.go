package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/walpost/walpost/pkg/eventstore"
)

// An account that must not be overdrawn: who decides on a balance that has changed since
// decides again.
func Example() {
	ctx := context.Background()
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}

	type account struct{ Balance int }
	stream := eventstore.Stream{Type: "account", ID: "42"}
	apply := func(a *account, e eventstore.Recorded) error {
		var amount int
		err := json.Unmarshal(e.Payload, &amount)
		a.Balance += amount
		return err
	}
	withdraw := func(tx eventstore.Tx, amount int) error {
		a, err := eventstore.Load(ctx, store, tx, stream, apply)
		if err != nil {
			return err
		}
		if balance := a.State().Balance; balance < amount {
			return fmt.Errorf("%d is more than the balance of %d", amount, balance)
		}
		if err := a.Append(ctx, tx, eventstore.Event{Type: "Withdrawn", Payload: -amount}); err != nil {
			return err
		}
		return a.SaveSnapshot(ctx, tx) // or every hundredth time
	}

	inTx := func(do func(eventstore.Tx) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // does nothing after Commit
		if err := do(eventstore.TxFromSQL(tx)); err != nil {
			return err
		}
		return tx.Commit()
	}

	err = inTx(func(tx eventstore.Tx) error {
		_, err := store.Append(ctx, tx, stream, 0, eventstore.Event{Type: "Opened", Payload: 100})
		return err
	})
	fmt.Println("open:", err)
	for range 2 {
		err = inTx(func(tx eventstore.Tx) error { return withdraw(tx, 70) })
		fmt.Println("withdraw:", err)
	}
	err = inTx(func(tx eventstore.Tx) error {
		_, err := store.Append(ctx, tx, stream, 1, eventstore.Event{Type: "Withdrawn", Payload: -100})
		return err
	})
	fmt.Println("conflict:", errors.Is(err, eventstore.ErrConflict))
	// Output:
	// open: <nil>
	// withdraw: <nil>
	// withdraw: 70 is more than the balance of 30
	// conflict: true
}

// An aggregate in a transaction of pgx.
func ExampleTxFromPgx() {
	ctx := context.Background()
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback(ctx) // does nothing after Commit
	stream := eventstore.Stream{Type: "account", ID: "43"}
	version, err := store.Append(ctx, eventstore.TxFromPgx(tx), stream, 0, eventstore.Event{Type: "Opened", Payload: 100})
	fmt.Println(version, err, tx.Commit(ctx))
	// Output: 1 <nil> <nil>
}

// The events themselves, such as for an account statement.
func ExampleStore_Each() {
	ctx := context.Background()
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback()
	stream := eventstore.Stream{Type: "account", ID: "44"}
	_, err = store.Append(ctx, eventstore.TxFromSQL(tx), stream, 0,
		eventstore.Event{Type: "Opened", Payload: 100},
		eventstore.Event{Type: "Withdrawn", Payload: -30},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	last, err := store.Each(ctx, eventstore.TxFromSQL(tx), stream, 0, func(e eventstore.Recorded) error {
		fmt.Println(e.Version, e.Type, string(e.Payload))
		return nil
	})
	fmt.Println(last, err)
	version, err := store.Version(ctx, eventstore.TxFromSQL(tx), stream)
	fmt.Println(version, err)
	// Output:
	// 1 Opened 100
	// 2 Withdrawn -30
	// 2 <nil>
	// 2 <nil>
}

// A connection after BEGIN by hand: nobody checks that the transaction is open.
func ExampleUnchecked() {
	ctx := context.Background()
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		fmt.Println(err)
		return
	}
	stream := eventstore.Stream{Type: "account", ID: "45"}
	version, err := store.Append(ctx, eventstore.Unchecked(conn), stream, 0, eventstore.Event{Type: "Opened", Payload: 100})
	fmt.Println(version, err)
	_, err = conn.ExecContext(ctx, "COMMIT")
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// <nil>
}

// The same with a connection of pgx.
func ExampleUncheckedPgx() {
	ctx := context.Background()
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		fmt.Println(err)
		return
	}
	stream := eventstore.Stream{Type: "account", ID: "46"}
	version, err := store.Append(ctx, eventstore.UncheckedPgx(conn), stream, 0, eventstore.Event{Type: "Opened", Payload: 100})
	fmt.Println(version, err)
	_, err = conn.Exec(ctx, "COMMIT")
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// <nil>
}

// The tables of a store, for a migration.
func ExampleStore_DDL() {
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range strings.SplitAfter(store.DDL(), "\n") {
		if strings.HasPrefix(line, "CREATE TABLE") {
			fmt.Print(line)
		}
	}
	// Output:
	// CREATE TABLE "public"."events" (
	// CREATE TABLE public.events_snapshot (
}
