package inbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/walpost/walpost/pkg/inbox"
)

// A payment for each order, once, although its event comes twice.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers,
		Group:   "payments",
		Topics:  []string{"outbox.event.order"},
		Observers: []inbox.Observer{
			inbox.Log(slog.New(slog.DiscardHandler)),
			inbox.ObserverFunc(func(o inbox.Observation) {
				if o.Kind == inbox.KindRepeated {
					fmt.Println("order", string(o.Event.Key), "again")
					cancel() // the end of the example
				}
			}),
		},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		fmt.Println("order", string(e.Key), e.Type)
		_, err := tx.ExecContext(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		publish("outbox.event.order", "42", map[string]string{"id": "01890a5d-ac96-774b-bcce-b302099a8057", "eventType": "OrderPlaced"})
	}
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// order 42 OrderPlaced
	// order 42 again
}

// What an error means, the handler says; for most it need not.
func ExamplePermanent() {
	handler := func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		if e.Type != "OrderPlaced" {
			return nil // not for us: processed
		}
		if len(e.Payload) == 0 {
			return inbox.Permanent(errors.New("an order without a payload")) // to the dead letter topic, at once
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err // by its SQLSTATE
	}
	fmt.Println(handler(context.Background(), nil, &inbox.Event{Type: "OrderPlaced"}))
	// Output: an order without a payload
}
