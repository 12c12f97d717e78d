package inboxprom_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/inboxprom"
)

// A consumer with metrics. A service registers them at prometheus.DefaultRegisterer, which
// promhttp.Handler serves.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	registry := prometheus.NewRegistry()
	metrics, err := inboxprom.New(registry)
	if err != nil {
		fmt.Println(err)
		return
	}
	config := inbox.Config{
		Brokers:   brokers,
		Group:     "payments",
		Topics:    []string{"outbox.event.order"},
		Observers: []inbox.Observer{inbox.Log(slog.Default()), metrics},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		cancel() // the end of the example
		_, err := tx.ExecContext(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := metrics.Watch("payments", consumer); err != nil { // lag, waiting records
		fmt.Println(err)
		return
	}
	publish("outbox.event.order", "42", map[string]string{"id": "1"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
		return
	}

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, family := range families {
		if family.GetName() == "walpost_inbox_events_total" {
			fmt.Println(family.GetName(), family.GetMetric()[0].GetCounter().GetValue())
		}
	}
	// Output: walpost_inbox_events_total 1
}
