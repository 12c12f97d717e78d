package eventstore_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/eventstore"
)

var (
	db   *sql.DB
	pool *pgxpool.Pool
	conn *pgx.Conn
)

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		db, pool = s.DB, s.Pool
		store, err := eventstore.New(eventstore.Config{})
		if err != nil {
			return err
		}
		if conn, err = pgx.ConnectConfig(ctx, pool.Config().ConnConfig); err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, store.DDL())
		return err
	}))
}
