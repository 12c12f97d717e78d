package retention_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

// What the examples use: a pool of database/sql, and one of pgx as far as the package uses it.
// They are opened by the file that takes this one's place where the examples are run: see
// dev/libraries/examples.
var (
	db   *sql.DB
	pool retention.PgxPool[retention.PgxTx[outbox.CommandTag, retention.Row], retention.Row]
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
