package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/examples/orders/event"
	"github.com/walpost/walpost/pkg/outbox"
)

// errUnconfirmed rolls an order back.
var errUnconfirmed = errors.New("the customer did not confirm")

// place creates an order and its event in one transaction: both are there, or neither.
func place(ctx context.Context, conn *pgx.Conn, customer string, cents int64) (event.Order, error) {
	order := event.Order{Customer: customer, Cents: cents}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "INSERT INTO orders (customer, cents) VALUES ($1, $2) RETURNING id", customer, cents).Scan(&order.ID)
		if err != nil {
			return err
		}
		if err := tell(ctx, tx, event.Placed, order); err != nil {
			return err
		}
		if rand.IntN(10) == 0 {
			return errUnconfirmed // the event goes with the order
		}
		return nil
	})
	return order, err
}

// cancel takes an order back.
func cancel(ctx context.Context, conn *pgx.Conn, order event.Order) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE orders SET state = 'cancelled' WHERE id = $1", order.ID); err != nil {
			return err
		}
		return tell(ctx, tx, event.Cancelled, order)
	})
}

// tell writes the event into the outbox. The order's id is the key: events of one
// order stay in order.
func tell(ctx context.Context, tx pgx.Tx, what string, order event.Order) error {
	return outbox.Write(ctx, outbox.TxFromPgx(tx), outbox.Event{
		AggregateType: event.Aggregate,
		AggregateID:   strconv.FormatInt(order.ID, 10),
		Type:          what,
		Payload:       order,
	})
}
