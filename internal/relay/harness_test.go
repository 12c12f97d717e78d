package relay_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

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

// harness is a relay on real servers, and what these tests ask of it.
type harness struct{ *relaytest.Harness }

func newHarness(t *testing.T, o relaytest.Options) *harness {
	t.Helper()
	h := &harness{relaytest.New(t, &stack, o)}
	if h.Config.Outbox.Messages() && !h.Config.Outbox.AnyWriter() {
		h.DB.RevokeMessages(t)
	}
	return h
}

// consume reads n records of the topic from its beginning; fewer is a failure.
func (h *harness) consume(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	return devstacktest.Consume(t, h.Kafka, n, topic)
}

// ready reports whether the relay is ready, as /readyz does.
func (h *harness) ready() bool {
	report := h.Report("")
	return report.Ready()
}
