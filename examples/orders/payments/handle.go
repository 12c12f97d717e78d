package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/examples/orders/event"
	"github.com/walpost/walpost/pkg/inbox"
)

// handle takes the money for an order that was placed, and gives it back for one that
// was cancelled. It adds to a sum: done twice it would be wrong. The inbox calls it
// once for each event id that commits.
func handle(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
	var order event.Order
	if err := json.Unmarshal(e.Payload, &order); err != nil {
		return inbox.Permanent(fmt.Errorf("payload: %w", err))
	}
	switch e.Type {
	case event.Placed:
		if order.Cents < 0 {
			return inbox.Permanent(errors.New("an order with a negative total"))
		}
		return pay(ctx, tx, order, order.Cents)
	case event.Cancelled:
		return pay(ctx, tx, order, -order.Cents)
	default:
		return nil // an event that concerns others
	}
}

func pay(ctx context.Context, tx pgx.Tx, order event.Order, cents int64) error {
	_, err := tx.Exec(ctx, "INSERT INTO payments (order_id, customer, cents) VALUES ($1, $2, $3)", order.ID, order.Customer, cents)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO accounts (customer, cents) VALUES ($1, $2)
		ON CONFLICT (customer) DO UPDATE SET cents = accounts.cents + excluded.cents`, order.Customer, cents)
	return err
}
