package faults_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// separate runs the bench's relay in a process of its own, and waits until it streams.
func (b *bench) separate(t *testing.T) *devstacktest.Process {
	t.Helper()
	p := b.spawn(t)
	p.Writes(t, `"msg":"streaming"`)
	return p
}

// spawn runs the bench's relay in a process of its own.
func (b *bench) spawn(t *testing.T) *devstacktest.Process {
	t.Helper()
	return devstacktest.Start(t, devstacktest.Again(t, asRelay+"="+b.cfg.File))
}

// caughtUp is confirmed where the relay is another process.
func (b *bench) caughtUp(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be confirmed", devstacktest.Confirmed(t, b.conn, b.cfg.Postgres.Slot))
}

// A relay that is frozen for longer than wal_sender_timeout loses its slot to a
// second one. When it wakes it notices and stands by; what it still held may come
// again, but nothing is lost. When the second ends it takes over again.
func TestRow5_RelayFrozen(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, ownServer(t, 0, brisk()), "postgres", option{})
	first := b.separate(t)
	b.sample(t)
	b.launch(t)
	b.state(t, status.Standby)
	w := b.write(t)
	devstacktest.Await(t, "rows", func() bool { return devstacktest.Value[int](t, b.conn, "SELECT count(*) FROM outbox") > 500 })
	first.Signal(t, syscall.SIGSTOP)
	b.state(t, status.Streaming)
	b.passes(t, 500)
	first.Signal(t, syscall.SIGCONT)
	devstacktest.Await(t, "the first to stand by", func() bool { return strings.Contains(first.Log.String(), `"state":"standby"`) })
	b.passes(t, 200)
	streams := strings.Count(first.Log.String(), `"msg":"streaming"`)
	b.end(t)
	devstacktest.Await(t, "the first to take over again", func() bool {
		return strings.Count(first.Log.String(), `"msg":"streaming"`) > streams
	})
	w.end()
	b.caughtUp(t)
	b.judge(t)
}

// A relay whose line to Postgres is dead while both ends think it stands: Postgres
// gives it up after wal_sender_timeout, a second relay takes over, and the first
// notices by the silence and stands by.
func TestRow7_HalfOpen(t *testing.T) {
	t.Parallel()
	first, proxy := proxied(t, brisk())
	second := *first
	second.cfg = relaytest.Load(t, strings.Replace(read(t, first.cfg.File), proxy.Addr(), first.server.Addr(), 1))
	if first.cfg.Postgres.Slot != second.cfg.Postgres.Slot {
		t.Fatal("the two relays have different slots")
	}
	first.start(t)
	second.launch(t)
	second.state(t, status.Standby)
	second.sample(t)
	w := second.write(t)
	first.passes(t, 300)
	proxy.Hold(devstack.ToServer)
	proxy.Hold(devstack.ToClient)
	second.state(t, status.Streaming)
	second.passes(t, 300)
	first.until(t, "the first to notice", func() bool { return first.relay.Status().State == status.Connecting })
	proxy.Cut()
	proxy.Heal()
	first.state(t, status.Standby)
	second.passes(t, 100)
	w.end()
	second.confirmed(t)
	second.judge(t)
	second.end(t)
	first.state(t, status.Streaming)
	first.exec(t, relaytest.Insert("late", 1))
	first.confirmed(t)
	first.judge(t)
	first.end(t)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
