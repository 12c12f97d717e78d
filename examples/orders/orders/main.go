// Command orders is the order service of the example: it places orders, cancels some
// of them, and writes the event about each in the same transaction.
//
//	SHOP_URL=postgres://… orders -n 2000
//
// It knows its database and pkg/outbox. It must not know Kafka: walpost brings the
// events there.
package main

import (
	"context"
	_ "embed" // the schema
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schema string

// options are the command line.
type options struct {
	create bool          // the tables, and end
	number int           // of orders; 0: until it is stopped
	pause  time.Duration // between two
	poison int           // every so many orders has a total that no payment can be made of; 0: none
}

func main() {
	var o options
	flag.BoolVar(&o.create, "init", false, "create the tables and end")
	flag.IntVar(&o.number, "n", 0, "place so many `orders`; 0: until SIGTERM")
	flag.DurationVar(&o.pause, "pause", 5*time.Millisecond, "`time` between two orders")
	flag.IntVar(&o.poison, "poison", 0, "make each so manyth `order` one that cannot be paid; 0: none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the one of the process
	err := run(ctx, os.Getenv("SHOP_URL"), o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run places orders until there are enough of them or ctx ends.
func run(ctx context.Context, url string, o options) error {
	if url == "" {
		return errors.New("SHOP_URL is not set: postgres://USER:PASSWORD@HOST/DATABASE")
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if o.create {
		_, err := conn.Exec(ctx, schema)
		return err
	}
	return work(ctx, conn, o)
}

// work serves customers until there are enough orders or ctx ends.
func work(ctx context.Context, conn *pgx.Conn, o options) error {
	tick := time.NewTicker(o.pause)
	defer tick.Stop()
	var placed int
	for placed = 0; o.number == 0 || placed < o.number; placed++ {
		select {
		case <-ctx.Done():
			log.Printf("placed %d orders", placed)
			return nil
		case <-tick.C:
		}
		cents := 100 + rand.Int64N(10_000)
		if o.poison > 0 && placed%o.poison == o.poison/2 {
			cents = -cents // as if it had a bug
		}
		if err := serve(ctx, conn, fmt.Sprintf("customer-%d", rand.IntN(20)), cents); err != nil {
			return err
		}
	}
	log.Printf("placed %d orders", placed)
	return nil
}

// serve is one customer: one in ten cancels the order, and one in ten does not
// confirm it, so that everything is rolled back.
func serve(ctx context.Context, conn *pgx.Conn, customer string, cents int64) error {
	order, err := place(ctx, conn, customer, cents)
	if errors.Is(err, errUnconfirmed) {
		return nil
	}
	if err == nil && cents > 0 && rand.IntN(10) == 0 {
		err = cancel(ctx, conn, order)
	}
	return err
}
