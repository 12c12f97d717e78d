package eventstore_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/walpost/walpost/dev/libraries/examples/examplestest"
	"github.com/walpost/walpost/pkg/eventstore"
)

var db *sql.DB

func TestMain(m *testing.M) {
	os.Exit(examplestest.Main(context.Background(), m, func(ctx context.Context, s *examplestest.Servers) error {
		db = s.DB
		store, err := eventstore.New(eventstore.Config{})
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, store.DDL())
		return err
	}))
}
