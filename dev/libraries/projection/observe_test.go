package projection_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/inboxprom"
	"github.com/walpost/walpost/pkg/projection"
)

// observed collects what a projection tells.
type observed struct {
	mu    sync.Mutex
	lines []string
}

// Observe notes kind, place and whether a rebuild tells it.
func (o *observed) Observe(is inbox.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := fmt.Sprint(is.Kind, " ", is.Projection, " ", is.Rebuild)
	if e := is.Event; e != nil {
		line += fmt.Sprint(" ", e, " ", e.Type, " attempt ", e.Attempt)
	}
	if is.Err != nil {
		line += fmt.Sprint(" ", is.Class, " ", is.Err)
	}
	o.lines = append(o.lines, line)
}

// count returns how many lines begin so.
func (o *observed) count(prefix string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, line := range o.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// Run and Rebuild tell observers, the log and the metrics what they do.
func TestObserved(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 2, 1, 5)
	seen, registry := &observed{}, prometheus.NewPedanticRegistry()
	const secret = "k0-is-secret"
	metrics, err := inboxprom.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	var log devstacktest.Output
	config := f.config(t)
	config.Observers = []inbox.Observer{seen, metrics, inbox.Log(slog.New(slog.NewTextHandler(&log, nil)))}
	config.Batch = 1
	failed := false
	p := f.new(t, config, func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		if e.Offset == 3 && !e.Rebuilding() && !failed {
			failed = true
			return errors.New(secret)
		}
		return apply(ctx, tx, e)
	})
	if err := metrics.Watch("totals", p); err != nil {
		t.Fatal(err)
	}
	live := start(t, p)
	f.exact(t, 2, 1, 5)
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 2, 1, 5)
	wants := []string{
		"walpost_inbox_events_total totals processed " + f.topic + " 10", "walpost_inbox_events_total totals rebuilt " + f.topic + " 10",
		"walpost_inbox_lag totals 0  " + f.topic + " 0",
	}
	devstacktest.Await(t, "the metrics", func() bool {
		got := devstacktest.Series(t, registry)
		return !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(got, want) })
	})
	live.end(t)
	for prefix, want := range map[string]int{
		"processed totals false " + f.topic + "/0 offset 3 (id \"1-2\") Counted attempt 1": 1,
		"processed totals false": 10, "processed totals true": 10, "rebuilt totals true": 1, "stopped": 0, "retrying totals false": 1,
		"assigned totals false " + f.topic + "/0 offset 0": 1, "revoked totals false " + f.topic + "/0 offset 10": 1,
		"assigned totals true": 1, "revoked totals true " + f.topic + "/0 offset 10": 1,
	} {
		if n := seen.count(prefix); n != want {
			t.Errorf("%d times %q, want %d:\n%s", n, prefix, want, strings.Join(seen.lines, "\n"))
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log quotes the handler:\n%s", &log)
	}
	for _, words := range []string{
		`msg="projection: tables are rebuilt" projection=totals rebuild=true`, `msg="projection: partition assigned"`,
		`: *errors.errorString`,
	} {
		if !strings.Contains(log.String(), words) {
			t.Errorf("want %s in\n%s", words, &log)
		}
	}
}

// A record that is tried again is in the health and told with its place; one that ends Run
// is told too.
func TestFailuresAreObserved(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	seen, began, release := &observed{}, make(chan struct{}), make(chan struct{})
	config := f.config(t)
	config.Observers = []inbox.Observer{seen}
	tries := 0
	p := f.new(t, config, func(context.Context, pgx.Tx, *projection.Event) error {
		switch tries++; tries {
		case 1:
			close(began)
			<-release
			return errors.New("not yet")
		case 2, 3:
			return errors.New("not yet")
		}
		return errPermanent
	})
	live := start(t, p)
	devstacktest.Await(t, "the partition", func() bool { return len(p.Health().Partitions) == 1 })
	sent := time.Now()
	f.send(t, 1, 1, 1)
	<-began
	if h := p.Health().Partitions[0]; h.Waiting != 1 || h.LastProgress.Before(sent) || h.Err != nil {
		t.Errorf("%+v: the time without records counts", h)
	}
	close(release)
	<-live.done
	h := f.new(t, config, apply).Health()
	if len(h.Partitions) != 0 || h.Stuck(0) {
		t.Errorf("%+v of one that does not run", h)
	}
	for prefix, want := range map[string]int{
		"retrying totals false " + f.topic + "/0 offset 0 (id \"0-1\") Counted attempt": 3,
		"stopped totals false permanent projection: ":                                   1,
	} {
		if n := seen.count(prefix); n != want {
			t.Errorf("%d times %q, want %d:\n%s", n, prefix, want, strings.Join(seen.lines, "\n"))
		}
	}
}

// A pool that is smaller than what is applied at a time is told at the start.
func TestSmallPoolIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	seen := &observed{}
	config := f.config(t)
	config.Observers = []inbox.Observer{seen}
	p, err := projection.New(config, projection.Pgx(limitedPool{pool{f.URL}}), apply)
	if err != nil {
		t.Fatal(err)
	}
	live := start(t, p)
	devstacktest.Await(t, "the warning", func() bool {
		return seen.count("warned totals false unclassified projection: the pool has 1 connections, and 2 are wanted") == 1
	})
	live.end(t)
}

// TLS and SASL are plain fields, and what is wrong with them is told at once.
func TestAccess(t *testing.T) {
	t.Parallel()
	const password = "c4n4ry-S3cret"
	ca, err := devstack.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{
		TLS: &devstack.ServerTLS{CA: ca}, Users: map[string]string{"walpost": password},
	})
	f := newFixture(t, 1)
	if err := kafka.CreateTopic(t.Context(), f.topic, 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	config := f.config(t)
	config.Brokers, config.TLS = kafka.Bootstrap(devstack.SASLTLS), &tls.Config{RootCAs: ca.Pool()}
	config.SASL = &inbox.SASL{Mechanism: "SCRAM-SHA-256", User: "walpost", Password: password}
	live := start(t, f.new(t, config, apply))
	devstacktest.Await(t, "the position", func() bool { return f.number(t, "SELECT count(*) FROM projection_position") == 1 })
	live.end(t)
	config.SASL.Password = "another"
	if err := f.new(t, config, apply).Run(t.Context()); !errors.Is(err, projection.ErrAccess) ||
		!strings.Contains(err.Error(), "does not know user") {
		t.Error(err)
	}
}

// A panic of an observer or of the DB ends Run and Rebuild with its place, and not the process.
func TestPanicsEndRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 1)
	config := f.config(t)
	config.Observers = []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
		if o.Kind == inbox.KindProcessed {
			panic("moon")
		}
	})}
	p := f.new(t, config, apply)
	for name, run := range map[string]func(context.Context) error{"Run": p.Run, "Rebuild": p.Rebuild} {
		err := run(t.Context())
		if err == nil || !strings.Contains(err.Error(), `observer of "processed": panic: moon: `+f.topic+"/0 offset 0") {
			t.Errorf("%s: %v", name, err)
		}
	}
	db := projection.Pgx(pool{f.URL})
	db.Exec = func(context.Context, pgx.Tx, string, ...any) (int64, error) { panic("moon") }
	config = f.config(t)
	config.Name = "other"
	p, err := projection.New(config, db, apply)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "DB: panic: moon") {
		t.Error(err)
	}
}
