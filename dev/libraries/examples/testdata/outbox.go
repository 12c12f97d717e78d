package outbox_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/outbox"
)

var (
	db   *sql.DB
	pool *pgxpool.Pool
	conn *pgx.Conn
)

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		db, pool = s.DB, s.Pool
		table, err := outbox.DDL(outbox.Config{})
		if err != nil {
			return err
		}
		if conn, err = pgx.ConnectConfig(ctx, pool.Config().ConnConfig); err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, table+"CREATE TABLE orders (id text PRIMARY KEY, total numeric)")
		return err
	}))
}
