package e2e_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// exactlyOnce are the keys of a relay whose events are visible exactly once.
func exactlyOnce() keys {
	return keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
		"kafka.topics.create": true, "kafka.topics.replication_factor": 1,
	}
}

// onceHarness is a harness of such a relay, whose transactions reach the partitions of two
// topics. Its slot and its first position are there.
func onceHarness(t *testing.T, o relaytest.Options) *harness {
	t.Helper()
	o.Keys = exactlyOnce().With(o.Keys)
	h := with(t, o)
	h.types = []string{"order", "payment"}
	if err := h.Kafka.CreateTopic(t.Context(), h.payments(), relaytest.Partitions, 1, nil); err != nil {
		t.Fatal(err)
	}
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	return h
}

// payments is the second topic.
func (h *harness) payments() string { return h.Prefix + ".payment" }

// once checks that a reader of committed records sees each committed event once, in order.
func (h *harness) once(t *testing.T) {
	t.Helper()
	relaytest.Once(t, h.DB.Conn, h.Kafka, h.Topic, h.payments())
}

// endOnce ends load and relay in order, and judges.
func (h *harness) endOnce(t *testing.T, l *load, last *process) {
	t.Helper()
	l.end(t)
	h.confirmed(t, last)
	last.Terminate(t)
	last.Exits(t, 0)
	h.once(t)
}

// Killed by SIGKILL again and again under load, and stopped in between, relays publish each
// event once.
func TestExactlyOnceKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for n := range exactlyOnceRelays {
		t.Run(fmt.Sprint("relay ", n+1), func(t *testing.T) {
			t.Parallel()
			h := onceHarness(t, relaytest.Options{})
			rnd := devstacktest.Rand(t)
			l := startLoad(t, h, devstacktest.Split(rnd))
			for i := range exactlyOnceKills {
				p := walpost(t, "run", "-c", h.Config.File)
				p.Writes(t, `"walpost starts"`)
				if i%2 == 0 {
					h.publishes(t, p)
				}
				pause.Real(t, devstacktest.Upto(rnd, 700*time.Millisecond), "the load goes on until the kill")
				p.Kill(t)
				if i%5 == 4 {
					h.released(t) // else the next one begins as a standby
				}
			}
			p := walpost(t, "run", "-c", h.Config.File)
			p.Ready(t)
			h.endOnce(t, l, p)
		})
	}
}

// A planned stop under load ends with 0. Whether it was stopped while it started or while it
// wrote, nothing comes again.
func TestExactlyOnceTerminatedUnderLoad(t *testing.T) {
	t.Parallel()
	h := onceHarness(t, relaytest.Options{})
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	for i := range exactlyOnceStops {
		p := walpost(t, "run", "-c", h.Config.File)
		p.Writes(t, `"walpost starts"`)
		if i%3 > 0 {
			h.publishes(t, p)
		}
		pause.Real(t, devstacktest.Upto(rnd, 700*time.Millisecond), "the load goes on until the stop")
		p.Terminate(t)
		p.Exits(t, 0, `"walpost ends"`)
	}
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	h.endOnce(t, l, p)
}

// A relay that was frozen while another took over writes nothing when it wakes up: it ends
// with 5, and says on which host the other runs.
func TestExactlyOnceFrozenRelayIsFenced(t *testing.T) {
	t.Parallel()
	h := onceHarness(t, relaytest.Options{})
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	old := walpost(t, "run", "-c", h.Config.File)
	for range exactlyOnceSwaps {
		h.publishes(t, old)
		pause.Real(t, devstacktest.Upto(rnd, 300*time.Millisecond), "the load goes on until the relay freezes")
		old.Signal(t, syscall.SIGSTOP)
		devstacktest.Disconnect(t, h.DB.Conn, h.Config.Postgres.Slot) // as wal_sender_timeout does in the end
		next := walpost(t, "run", "-c", h.Config.File)
		h.publishes(t, next)
		old.Signal(t, syscall.SIGCONT)
		old.Exits(t, 5, "another relay has taken over", "it runs on host")
		old = next
	}
	h.endOnce(t, l, old)
}

// Of two relays one stands by. Whenever the other freezes, the slot passes on by
// wal_sender_timeout, and what wakes up ends with 5. A third one takes its place.
func TestExactlyOnceStandbyTakesOver(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"wal_sender_timeout": "2s"}})
	h := onceHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres")})
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	old := walpost(t, "run", "-c", h.Config.File)
	for range exactlyOnceSwaps {
		h.publishes(t, old)
		next := walpost(t, "run", "-c", h.Config.File)
		next.standsBy(t)
		pause.Real(t, devstacktest.Upto(rnd, 300*time.Millisecond), "the load goes on until the relay freezes")
		old.Signal(t, syscall.SIGSTOP)
		h.publishes(t, next)
		old.Signal(t, syscall.SIGCONT)
		old.Exits(t, 5, "another relay has taken over", "it runs on host")
		old = next
	}
	h.endOnce(t, l, old)
}

// One Postgres transaction that is larger than what a Kafka transaction holds, of two topics,
// is killed in the middle several times: each relay goes on behind what was committed. Its
// size does not show in the memory.
func TestExactlyOnceLargeTransactionKilled(t *testing.T) {
	t.Parallel()
	h := onceHarness(t, relaytest.Options{Keys: keys{"delivery.in_flight": exactlyOnceInFlight}})
	binary := build(t)
	h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT (ARRAY['order', 'payment'])[1 + i %% 2], 'k' || i %% 100, 'Created', jsonb_build_object('n', i)
		FROM generate_series(1, %d) i`, exactlyOnceRows))
	for range largeKills {
		p := launch(t, binary, "run", "-c", h.Config.File)
		p.Until(t, "a tenth to be published", func() bool { return h.published(t, p) > exactlyOnceRows/len(h.types)/10 })
		p.under(t, "a part of the transaction")
		p.Kill(t)
		h.released(t)
	}
	p := launch(t, binary, "run", "-c", h.Config.File)
	h.confirmed(t, p)
	p.under(t, "the whole transaction")
	p.Terminate(t)
	p.Exits(t, 0)
	h.once(t)
}

// largeKills is how often a relay is killed in a large transaction.
const largeKills = 4
