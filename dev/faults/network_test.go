package faults_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// brisk makes the relay notice a silent server in 6 s: its status interval is
// wal_sender_timeout/3, and six of them without a byte are its limit.
func brisk() map[string]string { return map[string]string{"wal_sender_timeout": "3s"} }

// proxied is a server of the test's own with a proxy before it.
func proxied(t *testing.T, settings map[string]string) (*harness, *devstack.Proxy) {
	t.Helper()
	server := ownServer(t, 0, settings)
	proxy := devstacktest.StartProxy(t, server.Addr())
	return newHarnessOn(t, server, keys{"postgres.url": server.URLVia(proxy.Addr(), "postgres", "", "postgres")}), proxy
}

// Connections reset, refused, swallowed and cut after a few bytes, under load: the
// relay connects again each time, and applies no half message.
func TestRow14_NetworkCut(t *testing.T) {
	t.Parallel()
	h, proxy := proxied(t, brisk())
	h.Start(t)
	h.sample(t)
	w := h.write(t)
	for range 5 {
		h.Passes(t, 200)
		proxy.Cut()
	}
	h.Passes(t, 200)
	proxy.Refuse()
	h.Until(t, "the relay to notice", func() bool { return h.Status().State == status.Connecting && h.Status().Reason != "" })
	h.Condition(t, status.ConditionPostgres)
	proxy.Heal()
	for _, rate := range []int{4000, 9000, 20000} { // cuts fall inside messages of about 200 bytes
		h.Confirmed(t) // else what comes again fills the slow line for a minute
		proxy.Throttle(rate)
		h.Passes(t, 2)
		proxy.Cut()
		proxy.Heal()
	}
	h.Passes(t, 100)
	h.endExactlyOnce(t, w)
}

// A connection that swallows everything, as behind a firewall that drops packets:
// the relay gives it up by itself.
func TestRow14_Blackhole(t *testing.T) {
	t.Parallel()
	h, proxy := proxied(t, brisk())
	w := h.streamUnderLoad(t, 200)
	proxy.Blackhole()
	h.Until(t, "the relay to notice", func() bool { return h.Status().State == status.Connecting })
	proxy.Cut()
	proxy.Heal()
	h.Passes(t, 200)
	h.endExactlyOnce(t, w)
}

// A frozen server: the relay notices by its silence, and goes on when it wakes.
func TestRow13_ServerFrozen(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, brisk()), nil)
	w := h.streamUnderLoad(t, 200)
	if err := h.DB.Server.Pause(); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	h.Until(t, "the relay to notice", func() bool { return h.Status().State == status.Connecting })
	if took := time.Since(frozen); took > 45*time.Second {
		t.Errorf("the relay noticed after %v", took)
	}
	if err := h.DB.Server.Resume(); err != nil {
		t.Fatal(err)
	}
	h.State(t, status.Streaming)
	h.Passes(t, 200)
	h.endExactlyOnce(t, w)
}

// A slow line with a long way: slower than the events come, but no connection is
// lost, the lag shows, and it drains.
func TestRow15_SlowNetwork(t *testing.T) {
	t.Parallel()
	h, proxy := proxied(t, brisk())
	h.Start(t)
	h.sample(t)
	connects := h.Seen.Connects.Load()
	proxy.Throttle(20 << 10)
	proxy.Delay(200 * time.Millisecond)
	for n := range 300 {
		h.Exec(t, relaytest.Insert("k", n))
	}
	h.Exec(t, inserts(1, 1000))
	h.Until(t, "the lag to show", func() bool {
		lag := h.Report("").LagBytes
		return lag != nil && *lag > 0
	})
	h.Passes(t, 600)
	if n := h.Seen.Connects.Load(); n != connects {
		t.Errorf("%d connections were needed on a slow line", n-connects+1)
	}
	proxy.Heal()
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}
