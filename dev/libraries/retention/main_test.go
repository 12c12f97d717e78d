package retention_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// store is a database of its own with the table of a configuration.
type store struct {
	*outboxtest.Store
	config outbox.Config
	db     retention.DB
}

func newStore(t testing.TB, config outbox.Config) *store {
	t.Helper()
	s := outboxtest.New(t, stack.Database(t), config)
	return &store{s, config, retention.SQL(s.SQL)}
}

// pruner makes a Pruner, which must work.
func pruner(t testing.TB, config retention.Config) *retention.Pruner {
	t.Helper()
	p, err := retention.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
