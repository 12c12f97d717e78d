package inbox_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/walpost/walpost/pkg/inbox"
)

// An order of more than the stock has. CHECK (n >= 0) fails, which is permanent by its
// SQLSTATE; but goods may arrive, so the handler says that it passes.
func ExampleTransient() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers, Group: "stock", Topics: []string{"outbox.event.ordered"},
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			fmt.Println(o.Kind)
			if o.Kind == inbox.KindRetrying { // meanwhile goods arrive
				if _, err := db.ExecContext(ctx, "UPDATE stock SET n = n + 10"); err != nil {
					fmt.Println(err)
				}
			}
			if o.Kind == inbox.KindProcessed {
				fmt.Println("attempts:", o.Event.Attempt)
				cancel() // the end of the example
			}
		})},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(ctx context.Context, tx *sql.Tx, _ *inbox.Event) error {
		_, err := tx.ExecContext(ctx, "UPDATE stock SET n = n - 1 WHERE id = 'apple'")
		return inbox.Transient(err) // nil stays nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.ordered", "45", map[string]string{"id": "1"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// assigned
	// retrying
	// processed
	// attempts: 2
	// revoked
}

// An order that no attempt can make right: it becomes a dead letter at once.
func ExamplePermanent() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers, Group: "payments", Topics: []string{"outbox.event.draft"},
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindDeadLettered {
				fmt.Println(o.Event)
				fmt.Println(o.Class, "error:", o.Err)
				cancel() // the end of the example
			}
		})},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		var order struct{ Customer string }
		if err := json.Unmarshal(e.Payload, &order); err != nil {
			return inbox.Permanent(err)
		}
		if order.Customer == "" {
			return inbox.Permanent(errors.New("an order without a customer"))
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err // by its SQLSTATE
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.draft", "46", map[string]string{"id": "1"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// outbox.event.draft/0 offset 0 (id "1")
	// permanent error: an order without a customer
}

// A mail server that is down says nothing about the record: attempts are not counted, and
// go on until it is back.
func ExampleUnavailable() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers, Group: "mails", Topics: []string{"outbox.event.signup"},
		Retry: inbox.Retry{Attempts: 1},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(_ context.Context, _ *sql.Tx, e *inbox.Event) error {
		if e.Attempt < 3 {
			return inbox.Unavailable(errors.New("the mail server is down"))
		}
		fmt.Println("mail to", string(e.Key), "at attempt", e.Attempt)
		cancel() // the end of the example
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.signup", "47", map[string]string{"id": "1"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: mail to 47 at attempt 3
}

// Credentials that the bank refuses: no record can be processed. Run ends, and the next start
// continues with the same record.
func ExampleFatal() {
	errRefused := errors.New("the bank refuses our key")
	config := inbox.Config{Brokers: brokers, Group: "payments", Topics: []string{"outbox.event.refund"}}
	consumer, err := inbox.New(config, inbox.SQL(db), func(context.Context, *sql.Tx, *inbox.Event) error {
		return inbox.Fatal(errRefused)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.refund", "48", map[string]string{"id": "1"})
	err = consumer.Run(context.Background())
	fmt.Println(errors.Is(err, errRefused))
	fmt.Println(err)
	// Output:
	// true
	// inbox: outbox.event.refund/0 offset 0 (id "1"): the bank refuses our key
}

// The rules for errors that the handler has not marked. Config.Classify goes before them.
func ExampleClassify() {
	ctx := context.Background()
	for _, query := range []string{
		"INSERT INTO stock (id, n) VALUES ('pear', NULL)", // NOT NULL
		"INSERT INTO missing (id) VALUES ('pear')",        // no such table
	} {
		_, err := db.ExecContext(ctx, query)
		fmt.Println(inbox.Classify(err))
	}
	fmt.Println(inbox.Classify(context.DeadlineExceeded))
	fmt.Println(inbox.Classify(inbox.Permanent(errors.New("of the handler"))))
	fmt.Println(inbox.Classify(errors.New("anything else"))) // retried as transient
	// Output:
	// permanent
	// fatal
	// transient
	// permanent
	// unclassified
}
