package faults_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// brisk makes the relay notice a silent server in 6 s: its status interval is
// wal_sender_timeout/3, and six of them without a byte are its limit.
func brisk() map[string]string { return map[string]string{"wal_sender_timeout": "3s"} }

// proxied is a server of the test's own with a proxy before it.
func proxied(t *testing.T, settings map[string]string) (*bench, *devstack.Proxy) {
	t.Helper()
	server := ownServer(t, 0, settings)
	proxy, err := devstack.NewProxy(t.Context(), server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	return newBenchOn(t, server, "postgres", option{url: server.URLVia(proxy.Addr(), "postgres", "", "postgres")}), proxy
}

// Connections reset, refused, swallowed and cut after a few bytes, under load: the
// relay connects again each time, and applies no half message.
func TestRow14_NetworkCut(t *testing.T) {
	t.Parallel()
	b, proxy := proxied(t, brisk())
	b.start(t)
	b.sample(t)
	w := b.write(t)
	for range 5 {
		b.passes(t, 200)
		proxy.Cut()
	}
	b.passes(t, 200)
	proxy.Refuse()
	b.until(t, "the relay to notice", func() bool { return b.relay.Status().State == status.Connecting && b.relay.Status().Reason != "" })
	b.condition(t, status.ConditionPostgres)
	proxy.Heal()
	for _, rate := range []int{4000, 9000, 20000} { // cuts fall inside messages of about 200 bytes
		b.confirmed(t) // else what comes again fills the slow line for a minute
		proxy.Throttle(rate)
		b.passes(t, 2)
		proxy.Cut()
		proxy.Heal()
	}
	b.passes(t, 100)
	w.end()
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}

// A connection that swallows everything, as behind a firewall that drops packets:
// the relay gives it up by itself.
func TestRow14_Blackhole(t *testing.T) {
	t.Parallel()
	b, proxy := proxied(t, brisk())
	b.start(t)
	b.sample(t)
	w := b.write(t)
	b.passes(t, 200)
	proxy.Blackhole()
	b.until(t, "the relay to notice", func() bool { return b.relay.Status().State == status.Connecting })
	proxy.Cut()
	proxy.Heal()
	b.passes(t, 200)
	w.end()
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}

// A frozen server: the relay notices by its silence, and goes on when it wakes.
func TestRow13_ServerFrozen(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 0, brisk()), "postgres", option{})
	b.start(t)
	b.sample(t)
	w := b.write(t)
	b.passes(t, 200)
	if err := b.server.Pause(); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	b.until(t, "the relay to notice", func() bool { return b.relay.Status().State == status.Connecting })
	if took := time.Since(frozen); took > 45*time.Second {
		t.Errorf("the relay noticed after %v", took)
	}
	if err := b.server.Resume(); err != nil {
		t.Fatal(err)
	}
	b.state(t, status.Streaming)
	b.passes(t, 200)
	w.end()
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}

// A slow line with a long way: slower than the events come, but no connection is
// lost, the lag shows, and it drains.
func TestRow15_SlowNetwork(t *testing.T) {
	t.Parallel()
	b, proxy := proxied(t, brisk())
	b.start(t)
	b.sample(t)
	connects := b.seen.connects.Load()
	proxy.Throttle(20 << 10)
	proxy.Delay(200 * time.Millisecond)
	for n := range 300 {
		b.exec(t, relaytest.Insert("k", n))
	}
	b.exec(t, inserts(1, 1000))
	b.until(t, "the lag to show", func() bool {
		lag := b.relay.Report("").LagBytes
		return lag != nil && *lag > 0
	})
	b.passes(t, 600)
	if n := b.seen.connects.Load(); n != connects {
		t.Errorf("%d connections were needed on a slow line", n-connects+1)
	}
	proxy.Heal()
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}
