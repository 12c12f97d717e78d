package e2e_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// exactlyOnce are the keys of a relay whose events are visible exactly once.
func exactlyOnce() keys {
	return keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
		"kafka.topics.create": true, "kafka.topics.replication_factor": 1,
	}
}

// once checks that a reader of committed records sees each committed event once, in order.
func (h *harness) once(t *testing.T) {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	r := relaytest.CompareCommitted(t, committed, h.Kafka, h.Topic)
	if t.Logf("%v", r); !r.Kept() || r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// Killed by SIGKILL again and again under load, and stopped in between, the relay
// publishes each event once.
func TestExactlyOnceKilledUnderLoad(t *testing.T) {
	t.Parallel()
	h := newHarness(t, exactlyOnce())
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	for i := range exactlyOnceKills {
		p := walpost(t, "run", "-c", h.Config.File)
		p.Writes(t, `"walpost starts"`)
		if i%2 == 0 {
			h.publishes(t, p)
		}
		pause.Real(t, devstacktest.Upto(rnd, 700*time.Millisecond), "the load goes on until the kill")
		if i%5 == 4 {
			p.Terminate(t)
			p.Exits(t, 0)
		} else {
			p.Kill(t)
		}
		h.released(t)
	}
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	l.end(t)
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
	h.once(t)
}

// A relay that was frozen while another took over writes nothing when it wakes up: it ends
// with 5, and says on which host the other runs.
func TestExactlyOnceFrozenRelayIsFenced(t *testing.T) {
	t.Parallel()
	h := newHarness(t, exactlyOnce())
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	old := walpost(t, "run", "-c", h.Config.File)
	for range exactlyOnceSwaps {
		h.publishes(t, old)
		pause.Real(t, devstacktest.Upto(rnd, 300*time.Millisecond), "the load goes on until the relay freezes")
		old.Signal(t, syscall.SIGSTOP)
		h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND slot_name = '"+
			h.Config.Postgres.Slot+"'") // as wal_sender_timeout does in the end
		h.released(t)
		next := walpost(t, "run", "-c", h.Config.File)
		h.publishes(t, next)
		old.Signal(t, syscall.SIGCONT)
		old.Exits(t, 5, "another relay has taken over", "it runs on host")
		old = next
	}
	l.end(t)
	h.confirmed(t, old)
	old.Terminate(t)
	old.Exits(t, 0)
	h.once(t)
}
