package inbox_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/inbox"
)

var (
	db      *sql.DB
	pool    *pgxpool.Pool
	brokers []string
	publish func(topic, key string, headers map[string]string)
)

func pay(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
	_, err := tx.Exec(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
	return err
}

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		topics := []string{"stock.outbox.event.picked.retry"}
		for _, name := range []string{"order", "invoice", "parcel", "ordered", "draft", "signup", "refund", "picked", "booking"} {
			topics = append(topics, "outbox.event."+name, "outbox.event."+name+".DLT")
		}
		kafka, err := s.Kafka(ctx, topics...)
		if err != nil {
			return err
		}
		db, pool, brokers, publish = s.DB, s.Pool, kafka.Brokers, kafka.Publish
		if err := os.Setenv("KAFKA_PASSWORD", "secret"); err != nil {
			return err
		}
		table, err := inbox.DDL("")
		if err != nil {
			return err
		}
		parked, err := inbox.ParkedDDL("")
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, table+parked+`CREATE TABLE payments (order_id text);
			CREATE TABLE stock (id text PRIMARY KEY, n int NOT NULL CHECK (n >= 0));
			INSERT INTO stock VALUES ('apple', 0);
			INSERT INTO inbox (consumer_group, event_id, processed_at) VALUES
				('archive', '1', now() - interval '2 months'), ('archive', '2', now())`)
		return err
	}))
}
