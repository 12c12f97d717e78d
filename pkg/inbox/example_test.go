package inbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/pkg/inbox"
)

// A payment for each order, once, on real servers: the same event comes twice.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	servers, err := startServers(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer servers.close()

	config := inbox.Config{
		Brokers: servers.brokers,
		Group:   "payments",
		Topics:  []string{"outbox.event.order"},
		Observers: []inbox.Observer{
			inbox.Log(slog.New(slog.DiscardHandler)),
			inbox.ObserverFunc(func(o inbox.Observation) {
				if o.Kind == inbox.KindRepeated {
					fmt.Println("order", string(o.Event.Key), "again")
					cancel() // the end of the example
				}
			}),
		},
	}
	consumer, err := inbox.New(config, inbox.Pgx(servers.pool), func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		fmt.Println("order", string(e.Key), e.Type)
		_, err := tx.Exec(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	servers.publish("01890a5d-ac96-774b-bcce-b302099a8057", "42")
	servers.publish("01890a5d-ac96-774b-bcce-b302099a8057", "42")
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// order 42 OrderPlaced
	// order 42 again
}

// What an error means, the handler says; for most it need not.
func ExamplePermanent() {
	handler := func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		if e.Type != "OrderPlaced" {
			return nil // not for us: processed
		}
		if len(e.Payload) == 0 {
			return inbox.Permanent(errors.New("an order without a payload")) // to the dead letter topic, at once
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err // by its SQLSTATE
	}
	fmt.Println(handler(context.Background(), nil, &inbox.Event{Type: "OrderPlaced"}))
	// Output: an order without a payload
}

// servers are those of the example.
type servers struct {
	postgres *devstack.Postgres
	kafka    *devstack.Kafka
	brokers  []string
	pool     *pool
	producer sarama.SyncProducer
}

func startServers(ctx context.Context) (s *servers, err error) {
	s = &servers{}
	if s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{}); err != nil {
		return nil, err
	}
	if s.kafka, err = devstack.StartKafka(ctx, devstack.KafkaOptions{QuickStart: true}); err != nil {
		return nil, err
	}
	s.brokers = s.kafka.Bootstrap(devstack.Plaintext)
	s.pool = &pool{url: s.postgres.URL("postgres")}
	ddl, err := inbox.DDL("")
	if err != nil {
		return nil, err
	}
	for _, topic := range []string{"outbox.event.order", "outbox.event.order.DLT"} {
		if err := s.kafka.CreateTopic(ctx, topic, 1, -1, nil); err != nil {
			return nil, err
		}
	}
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	if s.producer, err = sarama.NewSyncProducer(s.brokers, config); err != nil {
		return nil, err
	}
	return s, s.postgres.Exec(ctx, "postgres", ddl, "CREATE TABLE payments (order_id text)")
}

// publish is what the relay does.
func (s *servers) publish(id, key string) {
	_, _, err := s.producer.SendMessage(&sarama.ProducerMessage{
		Topic: "outbox.event.order", Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(`{"total": 12.5}`),
		Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(id)}, {Key: []byte("eventType"), Value: []byte("OrderPlaced")}},
	})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
}

func (s *servers) close() {
	s.pool.close()
	for _, end := range []func() error{s.producer.Close, s.kafka.Close, s.postgres.Close} {
		if err := end(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
	}
}
