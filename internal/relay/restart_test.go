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
	b := newBenchOn(t, ownDatabase(t, p, relaytest.OutboxDDL), stack.Kafka(t))
	b.start(t)
	w := startWriter(t, p, "postgres")
	for _, stop := range []func() error{
		func() error { return stopsSoon(t, p) },
		func() error { return p.Stop(t.Context(), devstack.StopImmediate) },
		func() error { return p.Kill(t.Context()) },
	} {
		before := b.seen.published.Load()
		b.until(t, "events to pass", func() bool { return b.seen.published.Load() > before+500 })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := b.seen.published.Load()
	b.until(t, "events to pass again", func() bool { return b.seen.published.Load() > before+500 })
	w.end()
	b.db = reconnect(t, b)
	b.confirmed(t)
	if r := b.exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	if err := b.end(t); err != nil {
		t.Error(err)
	}
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

func reconnect(t *testing.T, b *bench) devstacktest.Database {
	t.Helper()
	db := b.db
	conn := devstacktest.Connect(t, db.Server, "postgres")
	db.Conn = conn
	return db
}

// Kafka restarted under load: nothing is lost or repeated, and the relay comes
// back by itself.
func TestKafkaRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true})
	db := stack.Database(t)
	db.Exec(t, relaytest.OutboxDDL)
	b := newBenchOn(t, db, k)
	b.start(t)
	w := startWriter(t, db.Server, db.Name)
	for _, stop := range []func(context.Context) error{k.Stop, k.Kill} {
		before := b.seen.published.Load()
		b.until(t, "events to pass", func() bool { return b.seen.published.Load() > before+500 })
		if err := stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.until(t, "the relay to notice", func() bool { return !b.ready() })
		if err := k.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := b.seen.published.Load()
	b.until(t, "events to pass again", func() bool { return b.seen.published.Load() > before+500 })
	b.until(t, "the relay to be ready", func() bool { return b.ready() })
	w.end()
	b.confirmed(t)
	if r := b.exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// With Kafka away the relay lets Postgres go, so that its shutdown is not held up.
func TestRow10_HibernatesWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true})
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	b := newBenchOn(t, ownDatabase(t, p, relaytest.OutboxDDL), k)
	b.cfg.Postgres.HibernateAfter = time.Second
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	if err := k.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.db.Exec(t, relaytest.Insert("k", 2))
	b.until(t, "hibernation", func() bool { return b.relay.Status().State == "hibernating" })
	if err := stopsSoon(t, p); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.db = reconnect(t, b)
	b.db.Exec(t, relaytest.Insert("k", 3))
	b.confirmed(t)
	if r := b.exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}
