package producer_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// An answer that is lost with the broker must not repeat, lose or reorder.
func TestBrokerKilledUnderLoad(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true})
	if err := k.CreateTopic(t.Context(), "events", 4, 1, nil); err != nil {
		t.Fatal(err)
	}
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, nil)
	for range 3 {
		f.send("events", 11, 3000)
		f.settle(t, "some acknowledged", func() bool { return f.Watermark() > f.next-2500 })
		if err := k.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.send("events", 11, 2000)
		if err := k.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.delivered(t)
	exactly(t, brokers, "events", 15000)
}

func TestFrozenBrokers(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Brokers: 3, QuickStart: true, Settings: map[string]string{
		"min.insync.replicas": "2", "replica.lag.time.max.ms": "3000", "broker.session.timeout.ms": "3000",
	}})
	if err := k.CreateTopic(t.Context(), "events", 6, 3, nil); err != nil {
		t.Fatal(err)
	}
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, impatient(brokers))
	f.send("events", 11, 1000)
	f.delivered(t)
	for _, b := range k.Brokers() {
		if err := b.Pause(); err != nil {
			t.Fatal(err)
		}
		f.send("events", 11, 2000)
		f.settle(t, "delivered without the frozen broker", func() bool { return f.Watermark() == f.next+1 })
		f.send("events", 11, 500)
		if err := b.Resume(); err != nil {
			t.Fatal(err)
		}
		f.send("events", 11, 500)
		f.delivered(t)
	}
	exactly(t, brokers, "events", int(f.next))
}

// A network that loses answers, resets connections and holds requests back until
// long after their retry was answered.
func TestRow26_NetworkFaultsAndStragglers(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true, Proxied: true})
	if err := k.CreateTopic(t.Context(), "events", 3, 1, nil); err != nil {
		t.Fatal(err)
	}
	brokers, proxy := k.Bootstrap(devstack.Proxied), k.Brokers()[0].Proxy()
	f := start(t, brokers, impatient(brokers))
	f.send("events", 5, 100)
	f.delivered(t)
	faults := []struct {
		name     string
		do, heal func()
	}{
		{"connections reset", proxy.Cut, func() {}},
		{"answers held", func() { proxy.Hold(devstack.ToClient) }, proxy.Heal},
		{"requests held, then let go", func() { proxy.Hold(devstack.ToServer) }, proxy.Heal},
		{"nothing passes", proxy.Blackhole, proxy.Heal},
		{"connections refused", proxy.Refuse, proxy.Heal},
		{"slow", func() { proxy.Throttle(50_000) }, proxy.Heal},
	}
	for _, fault := range faults {
		before := f.seen.class("connection")
		fault.do()
		f.send("events", 5, 300)
		if fault.name != "slow" && fault.name != "connections reset" {
			f.settle(t, fault.name+": the producer to notice", func() bool { return f.seen.class("connection") > before })
		}
		fault.heal()
		f.send("events", 5, 300)
		f.delivered(t)
	}
	exactly(t, k.Bootstrap(devstack.Plaintext), "events", int(f.next))
}
