package relay_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// writer commits events all the time, through whatever happens to the server: a
// transaction whose commit fails is tried again with the same numbers.
type writer struct {
	next atomic.Int64
	stop context.CancelFunc
	done chan struct{}
}

func startWriter(t *testing.T, p *devstack.Postgres, database string) *writer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &writer{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			w.write(ctx, p, database)
		}
	}()
	return w
}

// write commits until an error: then the caller connects again. A commit whose
// outcome is unknown is looked up by its number.
func (w *writer) write(ctx context.Context, p *devstack.Postgres, database string) {
	conn, err := p.Connect(ctx, database)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var highest int64
	if err := conn.QueryRow(ctx, "SELECT coalesce(max((payload->>'n')::bigint), 0) FROM outbox").Scan(&highest); err != nil {
		return
	}
	w.next.Store(highest)
	for ctx.Err() == nil {
		n := w.next.Load() // the statement is not cut off at the end: it could still commit while the table is compared
		_, err := conn.Exec(context.WithoutCancel(ctx), fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
			SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, n+1, n+10))
		if err != nil {
			return
		}
		w.next.Store(n + 10)
	}
}

func (w *writer) end() {
	w.stop()
	<-w.done
}

// Postgres restarted under load, by a fast stop, which is not held up, by an immediate
// one and by kill -9 of its postmaster: nothing is lost, and while the relay lives
// nothing is repeated, whatever position the slot remembers.
func TestRow09to11_PostgresRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, p, "postgres")})
	h.Start(t)
	w := startWriter(t, p, "postgres")
	for _, stop := range []func() error{
		func() error { return stopsSoon(t, p) },
		func() error { return p.Stop(t.Context(), devstack.StopImmediate) },
		func() error { return p.Kill(t.Context()) },
	} {
		before := h.Seen.Records.Load()
		h.Until(t, "events to pass", func() bool { return h.Seen.Records.Load() > before+500 })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := h.Seen.Records.Load()
	h.Until(t, "events to pass again", func() bool { return h.Seen.Records.Load() > before+500 })
	w.end()
	h.Reconnect(t, h.DB.Server)
	h.Confirmed(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	h.Stop(t)
}

// stopsSoon is a fast stop that walpost must not hold up. Postgres waits for its
// walsenders without an end; the limit is a busy machine's.
func stopsSoon(t *testing.T, p *devstack.Postgres) error {
	t.Helper()
	begun := time.Now()
	err := p.Stop(t.Context(), devstack.StopFast)
	took := time.Since(begun)
	t.Logf("stopped within %v", took)
	if took > 45*time.Second { // by its time-out it would let go after a minute
		t.Errorf("the stop was held up for %v", took)
	}
	return err
}

// Kafka restarted under load: nothing is lost or repeated, and the relay comes
// back by itself.
func TestKafkaRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true})
	h := newHarness(t, relaytest.Options{Kafka: k})
	h.Start(t)
	w := startWriter(t, h.DB.Server, h.DB.Name)
	for _, stop := range []func(context.Context) error{k.Stop, k.Kill} {
		before := h.Seen.Records.Load()
		h.Until(t, "events to pass", func() bool { return h.Seen.Records.Load() > before+500 })
		if err := stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Until(t, "the relay to notice", func() bool { return !h.ready() })
		if err := k.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := h.Seen.Records.Load()
	h.Until(t, "events to pass again", func() bool { return h.Seen.Records.Load() > before+500 })
	h.Until(t, "the relay to be ready", func() bool { return h.ready() })
	w.end()
	h.Confirmed(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// With Kafka away the relay lets Postgres go, so that its shutdown is not held up.
func TestRow10_HibernatesWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true})
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, p, "postgres"), Kafka: k})
	h.Config.Postgres.HibernateAfter = time.Second
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	if err := k.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, relaytest.Insert("k", 2))
	h.Until(t, "hibernation", func() bool { return h.Status().State == "hibernating" })
	if err := stopsSoon(t, p); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Reconnect(t, h.DB.Server)
	h.Exec(t, relaytest.Insert("k", 3))
	h.Confirmed(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}
