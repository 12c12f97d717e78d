package inboxprom_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/inbox"
)

var (
	db      *sql.DB
	brokers []string
	publish func(topic, key string, headers map[string]string)
)

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		kafka, err := s.Kafka(ctx, "outbox.event.order", "outbox.event.order.DLT")
		if err != nil {
			return err
		}
		db, brokers, publish = s.DB, kafka.Brokers, kafka.Publish
		table, err := inbox.DDL("")
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, table+"CREATE TABLE payments (order_id text)")
		return err
	}))
}
