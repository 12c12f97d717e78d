package retention_test

import (
	"context"
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

var (
	db   *sql.DB
	pool *pgxpool.Pool
)

const slot = "walpost_orders"

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		db, pool = s.DB, s.Pool
		table, err := outbox.DDL(outbox.Config{Columns: outbox.Columns{CreatedAt: "created_at"}})
		if err != nil {
			return err
		}
		daily := outbox.Config{Table: "daily", Partitioned: true}
		partitioned, err := outbox.DDL(daily)
		if err != nil {
			return err
		}
		if _, err = db.ExecContext(ctx, table+partitioned+`INSERT INTO outbox VALUES
			(gen_random_uuid(), 'order', '1', 'OrderPlaced', '1', now() - interval '1 day'),
			(gen_random_uuid(), 'order', '2', 'OrderPlaced', '1', now())`); err != nil {
			return err
		}
		days, err := retention.New(retention.Config{Outbox: daily, Slot: slot, Keep: time.Hour})
		if err != nil {
			return err
		}
		first := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := days.CreatePartitions(ctx, retention.SQL(db), first, 1); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "SELECT pg_create_logical_replication_slot('"+slot+"', 'pgoutput')"); err != nil {
			return err
		}
		go confirm(ctx)
		return nil
	}))
}

// confirm stands for the relay, until the server ends.
func confirm(ctx context.Context) {
	for range time.Tick(50 * time.Millisecond) {
		if _, err := pool.Exec(ctx, "SELECT pg_replication_slot_advance('"+slot+"', pg_current_wal_insert_lsn())"); err != nil {
			return
		}
	}
}
