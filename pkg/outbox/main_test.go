package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/internal/outboxtest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// store is a database of its own with the table of a configuration.
type store struct{ *outboxtest.Store }

func newStore(t testing.TB, config outbox.Config) *store {
	t.Helper()
	return &store{outboxtest.New(t, stack.Database(t), config)}
}

// counted is a transaction that counts statements. It runs none if there is no inner.
type counted struct {
	outbox.Tx

	inner      outbox.Tx
	statements []string
	args       [][]any
}

func (c *counted) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.statements = append(c.statements, query)
	c.args = append(c.args, args)
	if c.inner == nil {
		return nil, fmt.Errorf("the database was touched: %s", query)
	}
	return c.inner.ExecContext(ctx, query, args...)
}
