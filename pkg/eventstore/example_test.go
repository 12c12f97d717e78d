package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/pkg/eventstore"
)

// An account that must not be overdrawn, on a real server: who decides on a balance
// that has changed since decides again.
func Example() {
	ctx := context.Background()
	store, conn, end, err := startPostgres(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()

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

	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := store.Append(ctx, eventstore.Pgx(tx), stream, 0, eventstore.Event{Type: "Opened", Payload: 100})
		return err
	})
	fmt.Println("open:", err)
	for range 2 {
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return withdraw(eventstore.Pgx(tx), 70) })
		fmt.Println("withdraw:", err)
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := store.Append(ctx, eventstore.Pgx(tx), stream, 1, eventstore.Event{Type: "Withdrawn", Payload: -100})
		return err
	})
	fmt.Println("conflict:", errors.Is(err, eventstore.ErrConflict))
	// Output:
	// open: <nil>
	// withdraw: <nil>
	// withdraw: 70 is more than the balance of 30
	// conflict: true
}

// startPostgres starts the example's server, with the tables of the store.
func startPostgres(ctx context.Context) (store *eventstore.Store, conn *pgx.Conn, end func(), err error) {
	if store, err = eventstore.New(eventstore.Config{}); err != nil {
		return nil, nil, nil, err
	}
	server, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{})
	if err != nil {
		return nil, nil, nil, err
	}
	end = func() { _ = server.Close() }
	if conn, err = server.Connect(ctx, "postgres"); err == nil {
		_, err = conn.Exec(ctx, store.DDL())
	}
	if err != nil {
		end()
	}
	return store, conn, end, err
}
