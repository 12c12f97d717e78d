package outbox_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// store is a database of its own with the table of a configuration.
type store struct{ *outboxtest.Store }

func newStore(t testing.TB, config outbox.Config) *store {
	t.Helper()
	return &store{outboxtest.New(t, stack.Database(t), config)}
}

// counted is a transaction that counts statements.
type counted struct {
	outbox.Tx

	inner      outbox.Tx
	statements []string
}

func (c *counted) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.statements = append(c.statements, query)
	return c.inner.ExecContext(ctx, query, args...)
}
