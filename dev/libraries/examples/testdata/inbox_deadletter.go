package deadletter_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/inbox"
)

var brokers []string

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		topics := []string{"outbox.event.order", "outbox.event.refund", "outbox.event.parcel"}
		var all []string
		for _, topic := range topics {
			all = append(all, topic, topic+".DLT")
		}
		kafka, err := s.Kafka(ctx, all...)
		if err != nil {
			return err
		}
		brokers = kafka.Brokers
		for _, topic := range topics {
			kafka.Publish(topic, "42", map[string]string{"id": "1"})
			kafka.Publish(topic, "43", map[string]string{"id": "2"})
		}
		table, err := inbox.DDL("")
		if err != nil {
			return err
		}
		if _, err := s.DB.ExecContext(ctx, table); err != nil {
			return err
		}
		return reject(ctx, s.DB, topics)
	}))
}

// reject makes a dead letter of each record.
func reject(ctx context.Context, db *sql.DB, topics []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rejected := make(chan struct{})
	consumer, err := inbox.New(inbox.Config{
		Brokers: brokers, Group: "payments", Topics: topics,
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindDeadLettered {
				rejected <- struct{}{}
			}
		})},
	}, inbox.SQL(db), func(context.Context, *sql.Tx, *inbox.Event) error {
		return inbox.Permanent(errors.New("an order without a customer"))
	})
	if err != nil {
		return err
	}
	go func() {
		defer cancel()
		for range 2 * len(topics) {
			<-rejected
		}
	}()
	return consumer.Run(ctx)
}
