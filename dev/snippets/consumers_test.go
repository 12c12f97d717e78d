package snippets_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

// createTopics creates topics of one partition.
func createTopics(t *testing.T, broker *devstack.Kafka, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if err := broker.CreateTopic(t.Context(), topic, 1, -1, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// publish writes events of these types, each with a key of its own.
func publish(t *testing.T, broker *devstack.Kafka, topic string, kinds ...string) {
	t.Helper()
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(broker.Bootstrap(devstack.Plaintext), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	for _, kind := range kinds {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder("key " + kind), Value: sarama.StringEncoder("{}"),
			Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(kind)}, {Key: []byte("eventType"), Value: []byte(kind)}},
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func consumerDatabase(t *testing.T) devstacktest.Database {
	t.Helper()
	db := stack.Database(t)
	for _, ddl := range []func(string) (string, error){inbox.DDL, inbox.ParkedDDL} {
		text, err := ddl("")
		if err != nil {
			t.Fatal(err)
		}
		db.Exec(t, text)
	}
	return db
}

func consumerConfig(broker *devstack.Kafka, topic, group string) inbox.Config {
	return inbox.Config{
		Brokers: broker.Bootstrap(devstack.Plaintext), Group: group, Topics: []string{topic},
		Retry: inbox.Retry{First: time.Millisecond},
	}
}

// consumed runs a consumer over an event that is processed, one that is tried again, and one that becomes a dead letter,
// until all are done or it ends with an error.
func consumed(t *testing.T, broker *devstack.Kafka, pool *sql.DB, config inbox.Config) error {
	t.Helper()
	publish(t, broker, config.Topics[0], "Fine", "Later", "Bad", "Fine too")
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	left := map[string]bool{"Fine": true, "Later": true, "Bad": true, "Fine too": true}
	events := make(chan string, 100)
	config.Observers = []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
		if kind := o.Kind.String(); kind == inbox.KindProcessed.String() || kind == inbox.KindDeadLettered.String() {
			events <- o.Event.ID
		} else if o.Err != nil {
			t.Logf("%s: %v", kind, o.Err)
		}
	})}
	consumer, err := inbox.New(config, inbox.SQL(pool), func(_ context.Context, _ *sql.Tx, e *inbox.Event) error {
		switch {
		case e.Type == "Later" && e.Attempt == 1:
			return inbox.Transient(errors.New("not yet"))
		case e.Type == "Bad":
			return inbox.Permanent(errors.New("never"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- consumer.Run(ctx) }()
	for len(left) > 0 {
		select {
		case id := <-events:
			delete(left, id)
		case err := <-done:
			return err
		}
	}
	cancel()
	return <-done
}

func projectionDatabase(t *testing.T) devstacktest.Database {
	t.Helper()
	db := stack.Database(t)
	ddl, err := projection.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, ddl, "CREATE TABLE order_list (id text PRIMARY KEY, state text NOT NULL)")
	return db
}

func projectionConfig(broker *devstack.Kafka, topic, name string) projection.Config {
	return projection.Config{
		Name: name, Brokers: broker.Bootstrap(devstack.Plaintext), Topics: []string{topic}, Tables: []string{"order_list"},
	}
}

// listed is the projection, and applied has a value for each event.
func listed(t *testing.T, pool *sql.DB, config projection.Config) (list *projection.Projection, applied chan string) {
	t.Helper()
	applied = make(chan string, 100)
	list, err := projection.New(config, projection.SQL(pool), func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+e.Table("order_list")+
			" (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state", string(e.Key), e.Type)
		applied <- e.Type
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, applied
}

// projected runs a projection until it has applied an event, or ends with an error.
func projected(t *testing.T, pool *sql.DB, config projection.Config) error {
	t.Helper()
	list, applied := listed(t, pool, config)
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- list.Run(ctx) }()
	select {
	case <-applied: // its transaction is finished before Run returns
		cancel()
		return <-done
	case err := <-done:
		return err
	}
}

// rebuilt runs a projection, and then a rebuild.
func rebuilt(t *testing.T, pool *sql.DB, config projection.Config) error {
	t.Helper()
	if err := projected(t, pool, config); err != nil {
		return err
	}
	list, _ := listed(t, pool, config)
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	return list.Rebuild(ctx)
}
