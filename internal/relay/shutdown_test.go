package relay_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// silenceTold is how long a silent Kafka may go unnoticed: 15 s are promised, the rest
// is for a busy machine.
const silenceTold = 25 * time.Second

// A Kafka that swallows what it is sent, and resets nothing, is told within 15
// seconds, with events under way and without. Nothing is lost and nothing repeats.
func TestRow94_KafkaSwallowsPackets(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true})
	proxy := k.Brokers()[0].Proxy()
	h := newHarness(t, relaytest.Options{Kafka: k, Keys: keys{"kafka.brokers": k.Bootstrap(devstack.Proxied)}})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.untilConditions(t)
	for n, busy := range []bool{false, true} {
		proxy.Blackhole()
		begun := time.Now()
		if busy {
			h.Exec(t, relaytest.Insert("k", 10+2*n))
		}
		h.Until(t, "word of it", func() bool {
			return h.Status().State == status.KafkaUnavailable && slices.Contains(h.conditions(), status.ConditionKafka)
		})
		if took := time.Since(begun); took > silenceTold {
			t.Errorf("it was told after %v", took)
		}
		proxy.Heal()
		h.Until(t, "streaming", func() bool { return h.Status().State == status.Streaming })
		h.Exec(t, relaytest.Insert("k", 11+2*n))
		h.Confirmed(t)
	}
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	h.Stop(t)
}

// A broker that takes its time to acknowledge, because a follower is frozen, is not
// away: it answers who asks. In virtual time.
func TestRow94_SlowAcknowledgementsAreNoSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sender := &sender{begun: time.Now()}
		v := startVirtual(t, sender.stream, nil)
		within(t, time.Second, "stream", func() bool { return v.relay.Status().State == status.Streaming })
		v.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			v.cluster.KeepControl()
			v.cluster.SleepControl(func() { pause.Virtual(6 * time.Second) })
			return nil, nil, false
		})
		for range 1200 {
			pause.Virtual(100 * time.Millisecond)
			if st := v.relay.Status(); st.State == status.KafkaUnavailable {
				t.Fatalf("%+v", st)
			}
		}
		v.end(t)
	})
}

// A fast shutdown of Postgres while Kafka swallows what it is sent goes through within
// seconds, whatever hibernate_after says. Nothing is lost, and nothing repeats.
func TestRow95_ShutdownWhileKafkaSwallowsPackets(t *testing.T) {
	t.Parallel()
	for name, hibernateAfter := range map[string]time.Duration{"default": 2 * time.Minute, "large": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true})
			p := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
			h := newHarness(t, relaytest.Options{
				DB: devstacktest.DatabaseOn(t, p, "postgres"), Kafka: k, Keys: keys{"kafka.brokers": k.Bootstrap(devstack.Proxied)},
			})
			h.Config.Postgres.HibernateAfter = hibernateAfter
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.Confirmed(t)
			h.Until(t, "the guard's first look", h.Guarded)
			k.Brokers()[0].Proxy().Blackhole()
			h.Exec(t, relaytest.Insert("k", 2), relaytest.Insert("k", 3))
			h.Until(t, "the events to be read", func() bool { n, _ := h.InFlight(); return n == 2 })
			if err := stopsSoon(t, p); err != nil {
				t.Fatal(err)
			}
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.Brokers()[0].Proxy().Heal()
			h.Reconnect(t, h.DB.Server)
			h.Exec(t, relaytest.Insert("k", 4))
			h.Confirmed(t)
			if r := h.Exact(t); r.Repeats != 0 {
				t.Errorf("%v", r)
			}
			h.Stop(t)
		})
	}
}

// That the guard's connection is ended by somebody does not end the stream: only a
// server that is shutting down refuses the next one.
func TestRow95_GuardEndedBySomebody(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true})
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	h := newHarness(t, relaytest.Options{
		DB: devstacktest.DatabaseOn(t, p, "postgres"), Kafka: k, Keys: keys{"kafka.brokers": k.Bootstrap(devstack.Proxied)},
	})
	h.Start(t)
	h.Until(t, "the guard's first look", h.Guarded)
	k.Brokers()[0].Proxy().Blackhole()
	h.Exec(t, relaytest.Insert("k", 1))
	h.Until(t, "the event to be read", func() bool { n, _ := h.InFlight(); return n == 1 })
	guard := func() int {
		return devstacktest.Value[int](t, h.DB.Conn, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity
			WHERE application_name LIKE 'walpost%' AND backend_type = 'client backend' AND pid <> pg_backend_pid()`)
	}
	for range 3 {
		before := guard()
		h.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'walpost%' AND backend_type = "+
			"'client backend' AND pid <> pg_backend_pid()")
		h.Until(t, "another guard", func() bool { pid := guard(); return pid != 0 && pid != before })
	}
	if n := h.Seen.Connects.Load(); n != 1 {
		t.Errorf("%d streams, want the first", n)
	}
	k.Brokers()[0].Proxy().Heal()
	h.Confirmed(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	h.Stop(t)
}
