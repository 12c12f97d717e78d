package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// keys are keys of a configuration.
type keys = configtest.Keys

// rejects are the keys of a policy for records that Kafka can never accept.
func rejects(policy string) keys {
	return keys{"delivery.on_reject": policy, "delivery.dead_letter": "PREFIX.dead"}
}

// harness is a relay on real servers, and what the rows ask of it.
type harness struct {
	*relaytest.Harness

	sampling *sampler
	pause    time.Duration // of a writer between two transactions; 0: none
}

// newHarness is a harness on the shared servers.
func newHarness(t *testing.T, more keys) *harness {
	t.Helper()
	return with(t, relaytest.Options{Keys: more})
}

// newHarnessOn is a harness on a server of the test's own, which it may break.
func newHarnessOn(t *testing.T, server *devstack.Postgres, more keys) *harness {
	t.Helper()
	return with(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres"), Keys: more})
}

// with has the position of each record in a header, by which the oracle knows repeats.
func with(t *testing.T, o relaytest.Options) *harness {
	t.Helper()
	o.Keys = o.Keys.With(keys{"outbox.position_header": "walpost-position"})
	return &harness{Harness: relaytest.New(t, &stack, o)}
}

// ownServer is a Postgres that the test may break.
func ownServer(t *testing.T, major int, settings map[string]string) *devstack.Postgres {
	t.Helper()
	return devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major, Settings: settings})
}

// inserts are so many events in one transaction, under seven keys.
func inserts(first, last int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, first, last)
}
