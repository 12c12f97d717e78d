package projection_test

import (
	"context"
	"fmt"
	"os"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/pkg/projection"
)

// A list of orders by the events of orders, on real servers, made anew while it is in
// use.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	servers, err := startServers(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer servers.close()

	list, err := projection.New(projection.Config{
		Name: "order_list", Brokers: servers.brokers, Topics: []string{"outbox.event.order"}, Tables: []string{"order_list"},
	}, projection.Pgx(servers.pool), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+
			" (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			string(e.Key), e.Type)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	servers.publish("42", "OrderPlaced")
	servers.publish("42", "OrderPaid")

	done := make(chan error)
	go func() { done <- list.Run(ctx) }() // until ctx is cancelled; goes on with the new table
	if err := list.Rebuild(ctx); err != nil {
		fmt.Println(err)
	}
	servers.show(ctx)
	cancel()
	fmt.Println(<-done)
	// Output:
	// order 42 OrderPaid
	// <nil>
}

// servers are those of the example.
type servers struct {
	postgres *devstack.Postgres
	kafka    *devstack.Kafka
	brokers  []string
	pool     pool
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
	s.brokers, s.pool = s.kafka.Bootstrap(devstack.Plaintext), pool{s.postgres.URL("postgres")}
	if err := s.kafka.CreateTopic(ctx, "outbox.event.order", 1, -1, nil); err != nil {
		return nil, err
	}
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	if s.producer, err = sarama.NewSyncProducer(s.brokers, config); err != nil {
		return nil, err
	}
	ddl, err := projection.DDL("")
	if err != nil {
		return nil, err
	}
	return s, s.postgres.Exec(ctx, "postgres", ddl, "CREATE TABLE order_list (id text PRIMARY KEY, state text NOT NULL)")
}

// publish is what the relay does.
func (s *servers) publish(order, kind string) {
	_, _, err := s.producer.SendMessage(&sarama.ProducerMessage{
		Topic: "outbox.event.order", Key: sarama.StringEncoder(order),
		Headers: []sarama.RecordHeader{{Key: []byte("eventType"), Value: []byte(kind)}},
	})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
}

// show prints the list.
func (s *servers) show(ctx context.Context) {
	conn, err := s.postgres.Connect(ctx, "postgres")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	var id, state string
	if err := conn.QueryRow(ctx, "SELECT id, state FROM order_list").Scan(&id, &state); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("order", id, state)
}

func (s *servers) close() {
	for _, end := range []func() error{s.producer.Close, s.kafka.Close, s.postgres.Close} {
		if err := end(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
	}
}
