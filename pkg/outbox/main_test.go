package outbox_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

// What the examples use: a pool of database/sql, and a pool and a connection of pgx as far as
// they use them. They are opened by the file that takes this one's place where the examples are run: see
// dev/libraries/examples.
var (
	db   *sql.DB
	pool interface {
		Begin(ctx context.Context) (outbox.PgxTx[outbox.CommandTag], error)
	}
	conn outbox.PgxExecer[outbox.CommandTag]
)

// TestMain leaves out the examples, which need servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.skip", "^Example"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
