package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
		if err := do(eventstore.SQL(tx)); err != nil {
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
