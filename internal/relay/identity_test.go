package relay_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A relay freezes when it has the slot and has not reached Kafka yet. Another takes its place and confirms. The first wakes,
// fences the other, and only then sees that its connection to Postgres is gone and that the slot was advanced meanwhile. The
// position in Kafka says what became of those events, so it continues: of the two relays one must run. The other ends so
// that it is started again, since no position shows it who has fenced it.
func TestExactlyOnceContinuesAfterItHasFencedAnother(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.UseKafka(t, devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true}), devstack.Plaintext, 1)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Stop(t)

	postgres, kafka := devstacktest.StartProxy(t, h.DB.Server.Addr()), h.Kafka.Brokers()[0].Proxy()
	frozen := h.Second()
	frozen.Configure(t, keys{
		"postgres.url":  h.DB.Server.URLVia(postgres.Addr(), "postgres", "", h.DB.Name),
		"kafka.brokers": h.Kafka.Bootstrap(devstack.Proxied),
	})
	kafka.Refuse()
	frozen.Launch(t)
	frozen.Until(t, "the first relay to stream", func() bool { return frozen.Logged("streaming") > 0 }) // its answer is there too
	postgres.Blackhole()
	devstacktest.Disconnect(t, h.DB.Conn, h.Config.Postgres.Slot) // as wal_sender_timeout does in the end

	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	kafka.Heal()
	n := 2
	h.fenced(t, func() {
		n++
		h.Exec(t, relaytest.Insert("k", n))
	})

	postgres.Heal()
	frozen.State(t, status.Streaming)
	h.Exec(t, relaytest.Insert("k", n+1))
	frozen.Confirmed(t)
	frozen.Stop(t)
	once(t, h)
}

// fenced writes until the relay has ended because it was fenced, and no position shows by whom.
func (h *harness) fenced(t *testing.T, write func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Halts(t, status.ExitUnexpected, "another relay may have taken over, or a request of a former one was late", "start walpost again")
	}()
	devstacktest.Await(t, "the relay to be fenced", func() bool {
		select {
		case <-ended:
			return true
		default:
			write()
			return false
		}
	})
}
