package projection_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/projection"
)

var (
	db      *sql.DB
	pool    *pgxpool.Pool
	brokers []string
	publish func(topic, key string, headers map[string]string)
)

func listOrder(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
	_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+" (id, state) VALUES ($1, $2)", string(e.Key), e.Type)
	return err
}

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		var topics []string
		for _, name := range []string{"order", "invoice", "parcel", "refund", "signup", "booking", "stock"} {
			topics = append(topics, "outbox.event."+name)
		}
		kafka, err := s.Kafka(ctx, topics...)
		if err != nil {
			return err
		}
		db, pool, brokers, publish = s.DB, s.Pool, kafka.Brokers, kafka.Publish
		table, err := projection.DDL("")
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, table+`CREATE TABLE order_list (id text PRIMARY KEY, state text NOT NULL);
			CREATE TABLE signups (id text PRIMARY KEY);
			CREATE TABLE stock (id text PRIMARY KEY);
			CREATE TABLE sums (id text PRIMARY KEY, n int NOT NULL, version int NOT NULL);
			INSERT INTO sums VALUES ('47', 0, 0)`)
		return err
	}))
}
