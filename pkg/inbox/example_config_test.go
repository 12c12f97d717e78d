package inbox_test

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
)

// A retry topic: the failing record of one order does not hold up those of others.
func ExampleConfig_retryTopic() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers, Group: "stock", Topics: []string{"outbox.event.picked"},
		RetryTopic: "stock.{topic}.retry",
		Retry:      inbox.Retry{First: 2 * time.Second},
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindParked || o.Kind == inbox.KindProcessed {
				fmt.Println(string(o.Event.Key), o.Kind)
			}
			if o.Kind == inbox.KindProcessed && string(o.Event.Key) == "50" {
				cancel() // the end of the example
			}
		})},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(_ context.Context, _ *sql.Tx, e *inbox.Event) error {
		if string(e.Key) == "50" && e.Attempt == 1 {
			return errors.New("the shelf is empty")
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.picked", "50", map[string]string{"id": "1"})
	publish("outbox.event.picked", "51", map[string]string{"id": "2"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 50 parked
	// 51 processed
	// 50 processed
}

// Kafka with TLS and SASL. No format and no log prints the password.
func ExampleSASL() {
	config := inbox.Config{
		Brokers: []string{"kafka.example.com:9093"},
		Group:   "payments",
		Topics:  []string{"outbox.event.order"},
		TLS:     &tls.Config{MinVersion: tls.VersionTLS12},
		SASL:    &inbox.SASL{Mechanism: "SCRAM-SHA-512", User: "payments", Password: os.Getenv("KAFKA_PASSWORD")},
	}
	_, err := inbox.New(config, inbox.Pgx(pool), pay)
	fmt.Println(config.SASL, err)
	// Output: SCRAM-SHA-512 payments <nil>
}

// Every fault of a configuration comes at once, and each names its field.
func ExampleConfigError() {
	_, err := inbox.New(inbox.Config{Group: "payments"}, inbox.Pgx(pool), pay)
	fmt.Println(err)
	if first, ok := errors.AsType[*inbox.ConfigError](err); ok {
		fmt.Println(first.Field)
	}
	// Output:
	// inbox: configuration: Brokers: want at least one, host:port
	// inbox: configuration: Topics: []: want names of topics
	// Brokers
}
