// Command producer is a small order service: each second it places an order and
// writes the event about it in the same transaction. docker-compose.yml runs it.
//
// It reads the database from DATABASE_URL.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/pkg/outbox"
)

// pause is the time between two orders.
const pause = time.Second

// order is the payload of an event.
type order struct {
	ID    int64   `json:"id"`
	Total float64 `json:"total"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the one of the process
	defer stop()
	if err := run(ctx, os.Getenv("DATABASE_URL")); err != nil {
		stop()
		log.Fatal(err)
	}
}

// run places orders until ctx ends. What the database refuses is told and tried
// again: it may only be restarting.
func run(ctx context.Context, url string) error {
	if url == "" {
		return errors.New("DATABASE_URL is not set: postgres://USER:PASSWORD@HOST/DATABASE")
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := serve(ctx, url, tick.C); err != nil && ctx.Err() == nil {
			log.Print(err)
		}
	}
	return nil
}

// serve places an order at each tick, over one connection.
func serve(ctx context.Context, url string, ticks <-chan time.Time) error {
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		}
		if err != nil { // told after a tick, so that a database that is unavailable is not asked all the time
			return err
		}
		if err = place(ctx, conn); err != nil {
			return fmt.Errorf("place an order: %w", err)
		}
	}
}

// place creates an order and its event: both are there, or neither.
func place(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		o := order{Total: float64(rand.IntN(10_000)) / 100}
		if err := tx.QueryRow(ctx, "INSERT INTO orders (total) VALUES ($1) RETURNING id", o.Total).Scan(&o.ID); err != nil {
			return err
		}
		log.Printf("order %d: %.2f", o.ID, o.Total)
		return outbox.Write(ctx, outbox.TxFromPgx(tx), outbox.Event{
			AggregateType: "order",
			AggregateID:   strconv.FormatInt(o.ID, 10),
			Type:          "OrderPlaced",
			Payload:       o,
		})
	})
}
