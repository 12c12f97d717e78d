package projection_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/projection"
)

var (
	db      *sql.DB
	brokers []string
	publish func(topic, key string, headers map[string]string)
)

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		kafka, err := s.Kafka(ctx, "outbox.event.order")
		if err != nil {
			return err
		}
		db, brokers, publish = s.DB, kafka.Brokers, kafka.Publish
		table, err := projection.DDL("")
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, table+"CREATE TABLE order_list (id text PRIMARY KEY, state text NOT NULL)")
		return err
	}))
}
