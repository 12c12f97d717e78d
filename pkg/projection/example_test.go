package projection_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/walpost/walpost/pkg/projection"
)

// A list of orders by the events of orders, made anew while it is in use.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	list, err := projection.New(projection.Config{
		Name: "order_list", Brokers: brokers, Topics: []string{"outbox.event.order"}, Tables: []string{"order_list"},
	}, projection.SQL(db), func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+e.Table("order_list")+
			" (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			string(e.Key), e.Type)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range []string{"OrderPlaced", "OrderPaid"} {
		publish("outbox.event.order", "42", map[string]string{"eventType": event})
	}

	done := make(chan error)
	go func() { done <- list.Run(ctx) }() // until ctx is cancelled; goes on with the new table
	if err := list.Rebuild(ctx); err != nil {
		fmt.Println(err)
	}
	var id, state string
	if err := db.QueryRowContext(ctx, "SELECT id, state FROM order_list").Scan(&id, &state); err != nil {
		fmt.Println(err)
	}
	fmt.Println("order", id, state)
	cancel()
	fmt.Println(<-done)
	// Output:
	// order 42 OrderPaid
	// <nil>
}
