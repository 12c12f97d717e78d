// Package service is what a team may write: a service with each driver, in the words of the
// documentation. It has a module of its own, so that walpost requires no driver for it.
package service

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/projection"
)

// The servers, which the test of dev/drivers starts.
var (
	postgres = flag.String("postgres", "", "URL of a superuser at a server with wal_level=logical")
	pooler   = flag.String("pooler", "", "URL of the same behind PgBouncer in transaction mode; none: directly")
	prepares = flag.Bool("prepares", false, "PgBouncer keeps prepared statements")
	broker   = flag.String("broker", "", "address of Kafka")
)

const (
	patience   = 3 * time.Minute
	partitions = 2
)

var names atomic.Int64

// name returns one that no other test has.
func name() string { return fmt.Sprintf("service_%d_%d", os.Getpid(), names.Add(1)) }

// database has all tables of the libraries, and a slot of its own name.
type database struct {
	*pgx.Conn // past the pooler

	name string
	url  string // by the pooler, if there is one
}

func newDatabase(t *testing.T) database {
	t.Helper()
	db := database{name: name()}
	admin := connect(t, *postgres)
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+db.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(context.WithoutCancel(t.Context()), "DROP DATABASE "+db.name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	db.Conn, db.url = connect(t, at(t, *postgres, db.name)), at(t, cmp.Or(*pooler, *postgres), db.name)
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ddl := range []func() (string, error){
		func() (string, error) {
			return outbox.DDL(outbox.Config{Columns: outbox.Columns{CreatedAt: "created_at"}})
		},
		func() (string, error) { return inbox.DDL("") },
		func() (string, error) { return projection.DDL("") },
		func() (string, error) { return store.DDL(), nil },
		func() (string, error) {
			return "CREATE TABLE orders (id text PRIMARY KEY, state text NOT NULL CHECK (state <> 'Bad'))", nil
		},
	} {
		text, err := ddl()
		if err != nil {
			t.Fatal(err)
		}
		db.exec(t, text)
	}
	return db
}

func (db database) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// text returns the one text that a query answers with.
func (db database) text(t *testing.T, query string) (text string) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// at returns the URL of another database.
func at(t *testing.T, raw, database string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}

// topic creates a topic and its dead letter topic, and returns its name.
func topic(t *testing.T) string {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{*broker}, kafkaConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	topic := name()
	for _, name := range []string{topic, topic + ".DLT"} {
		if err := admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: -1}, false); err != nil {
			t.Fatal(err)
		}
	}
	return topic
}

func kafkaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.Return.Successes = true
	return config
}

// publish writes events of these types, whose ids and keys are their numbers.
func publish(t *testing.T, topic string, kinds ...string) {
	t.Helper()
	producer, err := sarama.NewSyncProducer([]string{*broker}, kafkaConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	for n, kind := range kinds {
		id := sarama.StringEncoder(fmt.Sprint(n))
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Key: id, Value: sarama.StringEncoder("{}"),
			Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(id)}, {Key: []byte("eventType"), Value: []byte(kind)}},
		}); err != nil {
			t.Fatal(err)
		}
	}
}
