package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

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
	spread   bool          // its events are of several keys and types
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
	o.Keys = keys{"outbox.position_header": "walpost-position", "admin.listen": "127.0.0.1:0"}.With(o.Keys)
	return &harness{Harness: relaytest.New(t, &stack, o)}
}

// streamUnderLoad starts the relay and writers, and returns when so many records have
// passed.
func (h *harness) streamUnderLoad(t *testing.T, records int64) *writers {
	t.Helper()
	h.Start(t)
	h.sample(t)
	w := h.write(t)
	h.Passes(t, records)
	return w
}

// endExactlyOnce ends the writers and the relay. What was committed must be in Kafka,
// once and in order.
func (h *harness) endExactlyOnce(t *testing.T, w *writers) {
	t.Helper()
	w.end()
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// deadLetters returns the dead letters of a topic, of which there must be n, by the id of
// their event.
func (h *harness) deadLetters(t *testing.T, topic string, n int) map[string]*sarama.ConsumerMessage {
	t.Helper()
	letters, err := h.Kafka.Records(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*sarama.ConsumerMessage{}
	for _, r := range letters {
		found[header(r, "id")] = r
	}
	if len(letters) != n || len(found) != n {
		t.Fatalf("%d dead letters of %d events, want %d", len(letters), len(found), n)
	}
	return found
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
