package faults_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// separate runs the harness's relay in a process of its own, and waits until it streams.
func (h *harness) separate(t *testing.T) *clitest.Walpost {
	t.Helper()
	p := h.spawn(t)
	p.Writes(t, `"msg":"streaming"`)
	return p
}

// spawn runs the harness's relay in a process of its own.
func (h *harness) spawn(t *testing.T) *clitest.Walpost {
	t.Helper()
	return clitest.Start(t, "run", "-c", h.Config.File)
}

// caughtUp is confirmed where the relay is another process.
func (h *harness) caughtUp(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be confirmed", devstacktest.Confirmed(t, h.DB.Conn, h.Config.Postgres.Slot))
}

// A relay that is frozen for longer than wal_sender_timeout loses its slot to a
// second one. When it wakes it notices and stands by; what it still held may come
// again, but nothing is lost. When the second ends it takes over again.
func TestRow5_RelayFrozen(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, brisk()), nil)
	first := h.separate(t)
	h.sample(t)
	h.Launch(t)
	h.State(t, status.Standby)
	w := h.write(t)
	devstacktest.Await(t, "rows", func() bool { return devstacktest.Value[int](t, h.DB.Conn, "SELECT count(*) FROM outbox") > 500 })
	first.Signal(t, syscall.SIGSTOP)
	h.State(t, status.Streaming)
	h.Passes(t, 500)
	first.Signal(t, syscall.SIGCONT)
	devstacktest.Await(t, "the first to stand by", func() bool { return strings.Contains(first.Log.String(), `"state":"standby"`) })
	h.Passes(t, 200)
	streams := strings.Count(first.Log.String(), `"msg":"streaming"`)
	h.Stop(t)
	devstacktest.Await(t, "the first to take over again", func() bool {
		return strings.Count(first.Log.String(), `"msg":"streaming"`) > streams
	})
	w.end()
	h.caughtUp(t)
	h.judge(t)
}

// A relay whose line to Postgres is dead while both ends think it stands: Postgres
// gives it up after wal_sender_timeout, a second relay takes over, and the first
// notices by the silence and stands by.
func TestRow7_HalfOpen(t *testing.T) {
	t.Parallel()
	first, proxy := proxied(t, brisk())
	second := &harness{Harness: first.Second()}
	second.Configure(t, keys{"postgres.url": second.DB.URL})
	first.Start(t)
	second.Launch(t)
	second.State(t, status.Standby)
	second.sample(t)
	w := second.write(t)
	first.Passes(t, 300)
	proxy.Hold(devstack.ToServer)
	proxy.Hold(devstack.ToClient)
	second.State(t, status.Streaming)
	second.Passes(t, 300)
	first.Until(t, "the first to notice", func() bool { return first.Status().State == status.Connecting })
	proxy.Cut()
	proxy.Heal()
	first.State(t, status.Standby)
	second.Passes(t, 100)
	w.end()
	second.Confirmed(t)
	second.judge(t)
	second.Stop(t)
	first.State(t, status.Streaming)
	first.Exec(t, relaytest.Insert("late", 1))
	first.Confirmed(t)
	first.judge(t)
	first.Stop(t)
}
