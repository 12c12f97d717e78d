// Command payments is the payment service of the example: it reads the events of
// orders from Kafka and keeps accounts, once for each event, whatever is delivered
// again. Beside it, it keeps a read model of the orders.
//
//	PAYMENTS_URL=postgres://… KAFKA_BROKERS=localhost:9092 payments
//
// It knows its own database, pkg/inbox and pkg/projection. It must not know the order service's
// database, nor that walpost is what publishes.
package main

import (
	"context"
	_ "embed" // the schema
	"errors"
	"flag"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

// topic is where walpost/shop.yaml puts the events of orders.
const topic = "shop.purchase"

//go:embed schema.sql
var schema string

func main() {
	create := flag.Bool("init", false, "create the tables and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the one of the process
	err := run(ctx, os.Getenv("PAYMENTS_URL"), os.Getenv("KAFKA_BROKERS"), *create)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url, brokers string, create bool) error {
	if url == "" || brokers == "" && !create {
		return errors.New("PAYMENTS_URL (postgres://USER:PASSWORD@HOST/DATABASE) and KAFKA_BROKERS (HOST:PORT,…) must be set")
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	if create {
		return createTables(ctx, pool)
	}
	return serve(ctx, pool, strings.Split(brokers, ","))
}

// serve consumes for both until ctx ends or one of them fails.
func serve(ctx context.Context, pool *pgxpool.Pool, brokers []string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	consumer, err := inbox.New(inbox.Config{
		Brokers:   brokers,
		Group:     "payments",
		Topics:    []string{topic},
		Observers: []inbox.Observer{inbox.Log(logger)},
	}, inbox.Pgx(pool), handle)
	if err != nil {
		return err
	}
	orders, err := projection.New(projection.Config{
		Name:      "order_list",
		Brokers:   brokers,
		Topics:    []string{topic},
		Tables:    []string{"order_list"},
		Observers: []inbox.Observer{inbox.Log(logger)},
	}, projection.Pgx(pool), list)
	if err != nil {
		return err
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return consumer.Run(ctx) })
	both.Go(func() error { return orders.Run(ctx) })
	return both.Wait()
}

// createTables creates the service's tables and those of the libraries.
func createTables(ctx context.Context, pool *pgxpool.Pool) error {
	inboxTable, err := inbox.DDL("")
	if err != nil {
		return err
	}
	positions, err := projection.DDL("")
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, schema+inboxTable+positions)
		return err
	})
}
