package relay_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A topic from a stored generated column (Postgres 18): the first start makes a
// publication that publishes it. Taken away, the relay halts, and the next start names
// the option. A virtual column is refused.
func TestRow81_GeneratedColumnInUse(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18})
	db := ownDatabase(t, server, relaytest.OutboxDDL)
	db.Exec(t, "ALTER TABLE outbox ADD topic text GENERATED ALWAYS AS (lower(aggregatetype)) STORED")
	b := newBenchOn(t, db, stack.Kafka(t), "outbox: {topic: 'PREFIX.{topic}'}\n")
	b.start(t)
	db.Exec(t, strings.Replace(relaytest.Insert("k", 1), "'order'", "'ORDER'", 1))
	b.confirmed(t)
	b.consume(t, b.topic, 1)

	b.until(t, "the guard's first look", b.relay.Guarded)
	db.Exec(t, "ALTER PUBLICATION "+b.cfg.Postgres.Publication+" SET (publish_generated_columns = none)")
	err := b.wait(t)
	if halt, ok := errors.AsType[*status.Halt](err); !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, "topic of table public.outbox is generated") {
		t.Errorf("ended with %v", err)
	}
	const fix = `SET (publish_generated_columns = stored); then walpost recover -c FILE`
	b.refused(t, status.ExitHalted, "does not publish topic of public.outbox", fix)

	db.Exec(t, "ALTER PUBLICATION "+b.cfg.Postgres.Publication+" SET (publish_generated_columns = stored)",
		"ALTER TABLE outbox DROP topic, ADD topic text GENERATED ALWAYS AS (lower(aggregatetype)) VIRTUAL")
	b.refused(t, status.ExitRequirement, "column topic: is a virtual generated column", "STORED")
}

// refused starts a relay that must not start.
func (b *bench) refused(t *testing.T, code int, says ...string) {
	t.Helper()
	again, err := relay.New(b.cfg, b.seen, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	err = again.Run(t.Context(), nil)
	for _, words := range says {
		if status.ExitCode(err) != code || !strings.Contains(err.Error(), words) {
			t.Errorf("ended with %v, want %d and %q", err, code, words)
		}
	}
}
