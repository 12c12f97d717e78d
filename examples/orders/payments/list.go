package main

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/examples/orders/event"
	"github.com/walpost/walpost/pkg/projection"
)

// list keeps the read model: one row for each order, with what was last said of it.
// It sets what the event says, so the same event twice does no harm.
func list(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
	var order event.Order
	if readable := json.Unmarshal(e.Payload, &order) == nil; !readable {
		return nil // it is on the dead letter topic of payments, and no order
	}
	state := map[string]string{event.Placed: "placed", event.Cancelled: "cancelled"}[e.Type]
	if state == "" {
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+` (id, customer, cents, state) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state`, order.ID, order.Customer, order.Cents, state)
	return err
}
