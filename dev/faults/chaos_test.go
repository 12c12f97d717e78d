package faults_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
)

// blow is one fault that comes and goes.
type blow struct {
	name   string
	strike func(ctx context.Context, last time.Duration) error
}

// during is why a storm pauses between a strike and its end.
const during = "the fault lasts"

// held strikes, waits, and heals.
func held(t *testing.T, strike, heal func() error) func(context.Context, time.Duration) error {
	return func(_ context.Context, last time.Duration) error {
		if err := strike(); err != nil {
			return err
		}
		pause.Real(t, last, during)
		return heal()
	}
}

func quietly(f func()) func() error { return func() error { f(); return nil } }

// lost lets what goes in one direction vanish, then the connections.
func lost(t *testing.T, p *devstack.Proxy, d devstack.Direction) func(context.Context, time.Duration) error {
	return func(_ context.Context, last time.Duration) error {
		p.Hold(d)
		pause.Real(t, last, during)
		p.Cut()
		p.Heal()
		return nil
	}
}

// onNetwork are the faults of a line.
func onNetwork(t *testing.T, p *devstack.Proxy) []blow {
	const delay = 100 * time.Millisecond
	return []blow{
		{"reset", func(context.Context, time.Duration) error { p.Cut(); return nil }},
		{"refuse", held(t, quietly(p.Refuse), quietly(p.Heal))},
		{"blackhole", held(t, quietly(p.Blackhole), quietly(p.Heal))},
		{"requests lost", lost(t, p, devstack.ToServer)},
		{"answers lost", lost(t, p, devstack.ToClient)},
		{"delay", held(t, quietly(func() { p.Delay(delay) }), quietly(p.Heal))},
		{"slow", held(t, quietly(func() { p.Throttle(20_000) }), quietly(p.Heal))},
	}
}

// onPostgres are the faults of a server; each ends with it running.
func onPostgres(t *testing.T, s *devstack.Postgres) []blow {
	restart := func(stop func(context.Context) error) func(context.Context, time.Duration) error {
		return func(ctx context.Context, last time.Duration) error {
			if err := stop(ctx); err != nil {
				return err
			}
			pause.Real(t, last, during)
			return s.Start(ctx)
		}
	}
	large := 0
	return []blow{
		{"walsender terminated", func(ctx context.Context, _ time.Duration) error {
			return s.Exec(ctx, "postgres", "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
		}},
		{"frozen", held(t, s.Pause, s.Resume)},
		{"fast restart", restart(func(ctx context.Context) error { return s.Stop(ctx, devstack.StopFast) })},
		{"immediate restart", restart(func(ctx context.Context) error { return s.Stop(ctx, devstack.StopImmediate) })},
		{"killed", restart(s.Kill)},
		{"50,000 rows", func(ctx context.Context, _ time.Duration) error {
			large++
			return s.Exec(ctx, "postgres", inserts((large-1)*50_000+1, large*50_000))
		}},
	}
}

// onKafka are those of a broker.
func onKafka(t *testing.T, k *devstack.Broker) []blow {
	return []blow{
		{"frozen", held(t, k.Pause, k.Resume)},
		{"restart", func(ctx context.Context, last time.Duration) error {
			if err := k.Stop(ctx); err != nil {
				return err
			}
			pause.Real(t, last, during)
			return k.Start(ctx)
		}},
		{"killed", func(ctx context.Context, last time.Duration) error {
			if err := k.Kill(ctx); err != nil {
				return err
			}
			pause.Real(t, last, during)
			return k.Start(ctx)
		}},
	}
}

// storm strikes at random until its time is over, and leaves everything healed.
func storm(t *testing.T, where string, rnd *rand.Rand, until time.Time, blows []blow) {
	for time.Now().Before(until) {
		b := blows[rnd.IntN(len(blows))]
		last := devstacktest.Upto(rnd, 1500*time.Millisecond)
		t.Logf("%s: %s for %s", where, b.name, last)
		if err := b.strike(t.Context(), last); err != nil {
			t.Errorf("%s: %s: %v", where, b.name, err)
			return
		}
		pause.Real(t, devstacktest.Upto(rnd, 4*time.Second), "something is to pass, too")
	}
}

// chaotic is a harness whose two servers and the ways to them are the test's own.
func chaotic(t *testing.T) (*harness, map[string][]blow) {
	t.Helper()
	h, way := proxied(t, map[string]string{"wal_sender_timeout": "3s"})
	h.ownKafka(t)
	broker := h.Kafka.Brokers()[0]
	return h, map[string][]blow{
		"way to Postgres": onNetwork(t, way), "Postgres": onPostgres(t, h.DB.Server),
		"way to Kafka": onNetwork(t, broker.Proxy()), "Kafka": onKafka(t, broker),
	}
}

// rage lets all lanes strike at once and at random until a time. The function that it
// returns waits until everything is healed. What each lane does follows from the seed; the
// order among lanes is the machine's.
func rage(t *testing.T, rnd *rand.Rand, until time.Time, lanes map[string][]blow) (healed func()) {
	t.Helper()
	var all sync.WaitGroup
	for _, where := range slices.Sorted(maps.Keys(lanes)) {
		lane := devstacktest.Split(rnd)
		all.Go(func() { storm(t, where, lane, until, lanes[where]) })
	}
	return func() {
		all.Wait()
		t.Log("all is healed")
	}
}

// Everything fails at random, on both sides of a relay that lives through it:
// nothing is lost, nothing is out of order, and nothing is repeated.
func TestChaos(t *testing.T) {
	t.Parallel()
	h, lanes := chaotic(t)
	h.Start(t)
	h.sample(t)
	w := h.write(t)
	rage(t, devstacktest.Rand(t), time.Now().Add(chaosLasts), lanes)()
	w.end()
	h.Reconnect(t, h.DB.Server)
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}
