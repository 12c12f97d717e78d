package relay_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A topic from a stored generated column (Postgres 18): the first start makes a
// publication that publishes it. Taken away, the relay halts, and the next start names
// the option. A virtual column is refused.
func TestRow81_GeneratedColumnInUse(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18})
	h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres"), Keys: keys{"outbox.topic": "PREFIX.{topic}"}})
	h.Exec(t, "ALTER TABLE outbox ADD topic text GENERATED ALWAYS AS (lower(aggregatetype)) STORED")
	h.Start(t)
	h.Exec(t, strings.Replace(relaytest.Insert("k", 1), "'order'", "'ORDER'", 1))
	h.Confirmed(t)
	h.consume(t, h.Topic, 1)

	h.Until(t, "the guard's first look", h.Guarded)
	h.Exec(t, "ALTER PUBLICATION "+h.Config.Postgres.Publication+" SET (publish_generated_columns = none)")
	err := h.Wait(t)
	if halt, ok := errors.AsType[*status.Halt](err); !ok || halt.Code != status.ExitHalted ||
		!strings.Contains(halt.Detail, "topic of table public.outbox is generated") {
		t.Errorf("ended with %v", err)
	}
	const fix = `SET (publish_generated_columns = stored); then walpost recover -c FILE`
	h.refused(t, status.ExitHalted, "does not publish topic of public.outbox", fix)

	h.Exec(t, "ALTER PUBLICATION "+h.Config.Postgres.Publication+" SET (publish_generated_columns = stored)",
		"ALTER TABLE outbox DROP topic, ADD topic text GENERATED ALWAYS AS (lower(aggregatetype)) VIRTUAL")
	h.refused(t, status.ExitRequirement, "column topic: is a virtual generated column", "STORED")
}

// refused starts a relay that must not start.
func (h *harness) refused(t *testing.T, code int, says ...string) {
	t.Helper()
	again, err := assemble.Relay(h.Config, h.Seen, zap.NewNop())
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
