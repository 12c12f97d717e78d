package projection_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

// What the examples use: a pool of database/sql, one of pgx as far as the package uses it,
// the addresses of Kafka, and what the relay does. All of it is made by the file that takes
// this one's place where the examples are run: see dev/libraries/examples.
var (
	db      *sql.DB
	pool    inbox.PgxPool[pgxTx, inbox.PoolStat]
	brokers []string
	publish func(topic, key string, headers map[string]string)
)

// pgxTx stands for pgx.Tx.
type pgxTx = projection.PgxTx[inbox.CommandTag, projection.Row]

// listOrder is a handler of an example.
func listOrder(ctx context.Context, tx pgxTx, e *projection.Event) error {
	_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+" (id, state) VALUES ($1, $2)", string(e.Key), e.Type)
	return err
}

// TestMain leaves out the examples, which need servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.skip", "^Example"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
