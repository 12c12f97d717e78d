package projection_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/projection"
)

// The model is wrong, and is made anew while Run goes on and readers read: they see
// the old or the new, never less than before, and no error.
func TestRebuildUnderReaders(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 3)
	f.send(t, 9, 1, 100)
	p := f.new(t, f.config(t), apply)
	live := start(t, p)
	f.exact(t, 9, 1, 100)
	f.Exec(t, "UPDATE totals SET wrong = 7")
	stop := f.read(t)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for n := int64(101); n <= 150; n++ {
			f.send(t, 9, n, n)
		}
	}()
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-sent
	f.exact(t, 9, 1, 150)
	f.send(t, 9, 151, 160)
	f.exact(t, 9, 1, 160)
	if reads := stop(); reads < 10 {
		t.Errorf("only %d reads", reads)
	}
	live.end(t)
	if n := f.number(t, "SELECT count(*) FROM projection_position WHERE generation = 1 AND projection = 'totals'"); n != 3 {
		t.Errorf("%d positions of the new tables", n)
	}
	if n := f.number(t, "SELECT count(*) FROM projection_position"); n != 3 {
		t.Errorf("%d positions", n)
	}
	// And once more, without Run.
	f.Exec(t, "UPDATE totals SET wrong = 7")
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 9, 1, 160)
}

// read reads all the time until it is told to stop, and says how often.
func (f *fixture) read(t *testing.T) (stop func() int) {
	t.Helper()
	var readers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	counts := make([]int, 2)
	for i := range counts {
		conn, err := f.Server.Connect(t.Context(), f.Name)
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() {
			defer conn.Close(context.WithoutCancel(ctx))
			for highest := int64(0); ctx.Err() == nil; counts[i]++ {
				var n int64
				if err := conn.QueryRow(context.WithoutCancel(ctx), "SELECT sum(n) FROM totals").Scan(&n); err != nil {
					t.Errorf("a reader: %v", err)
					return
				}
				if n < highest {
					t.Errorf("a reader saw %d records after %d", n, highest)
				}
				highest = max(highest, n)
			}
		})
	}
	return func() int {
		cancel()
		readers.Wait()
		return counts[0] + counts[1]
	}
}

// The topic ends in what nobody may see: an aborted transaction and its marker.
func TestRebuildToTheEndOfTransactions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	producer := newProducer(t, func(c *sarama.Config) {
		c.Producer.Transaction.ID = f.topic
	})
	defer producer.Close()
	err := errors.Join(producer.BeginTxn(), producer.SendMessages(f.messages(2, 1, 20)), producer.CommitTxn(),
		producer.BeginTxn(), producer.SendMessages(f.messages(2, 500, 510)), producer.AbortTxn())
	if err != nil {
		t.Fatal(err)
	}
	p := f.new(t, f.config(t), apply)
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 2, 1, 20)
	live := start(t, p)
	if err := errors.Join(producer.BeginTxn(), producer.SendMessages(f.messages(2, 21, 30)), producer.CommitTxn()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 2, 1, 30)
	live.end(t)
}

// What stands in the way of the swap is an error, and the old tables stay.
func TestRebuildThatCannotSwap(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 10)
	p := f.new(t, f.config(t), apply)
	live := start(t, p)
	f.exact(t, 1, 1, 10)
	f.Exec(t, "CREATE VIEW on_totals AS SELECT * FROM totals")
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	if err := p.Rebuild(ctx); !errors.Is(err, projection.ErrSwap) || !strings.Contains(err.Error(), "view on_totals depends on") {
		t.Errorf("%v", err)
	}
	f.send(t, 1, 11, 20)
	f.exact(t, 1, 1, 20)
	f.Exec(t, "DROP VIEW on_totals")
	if err := p.Rebuild(t.Context()); err != nil { // goes on where it was
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 20)
	live.end(t)

	f.Exec(t, "CREATE TABLE totals__rebuild (LIKE totals INCLUDING ALL)", "INSERT INTO totals__rebuild SELECT * FROM totals")
	if err := p.Rebuild(t.Context()); !errors.Is(err, projection.ErrConfig) || !strings.Contains(err.Error(),
		"totals__rebuild has rows") {
		t.Errorf("%v", err)
	}
	if err := p.DropRebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := f.number(t, "SELECT count(*) FROM pg_class WHERE relname = 'totals__rebuild'"); n != 0 {
		t.Error("it is still there")
	}
	none := f.config(t)
	none.Tables = nil
	if err := f.new(t, none, apply).Rebuild(t.Context()); !errors.Is(err, projection.ErrConfig) {
		t.Errorf("%v", err)
	}
}

// A handler knows that it is a rebuild, and a rebuild that is stopped goes on.
func TestRebuildStoppedGoesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 300)
	config := f.config(t)
	config.Batch = 10
	ctx, cancel := context.WithCancel(t.Context())
	applied := 0
	p := f.new(t, config, func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		if !e.Rebuilding() || e.Table("totals") != "totals__rebuild" || e.Table("other") == "other" {
			return fmt.Errorf("table %s", e.Table("totals"))
		}
		if applied++; applied == 100 {
			cancel()
		}
		return apply(ctx, tx, e)
	})
	if err := p.Rebuild(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := f.number(t, "SELECT sum(n) FROM totals__rebuild"); n < 100 || n > 110 {
		t.Errorf("%d records in hand were applied", n)
	}
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 300)
	if applied != 300 {
		t.Errorf("%d calls", applied)
	}
}

// Run is held up by what passes, and a rebuild overtakes it: Run goes on from where
// the new tables are.
func TestRebuildOvertakesRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 2, 1, 20)
	var broken atomic.Bool
	p := f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		if broken.Load() && !e.Rebuilding() {
			return errors.New("not yet")
		}
		return apply(ctx, tx, e)
	})
	live := start(t, p)
	f.exact(t, 2, 1, 20)
	broken.Store(true)
	f.send(t, 2, 21, 60)
	devstacktest.Await(t, "Run to be held up", func() bool { return live.Health().Partitions[0].Err != nil })
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 2, 1, 60)
	broken.Store(false)
	f.send(t, 2, 61, 80)
	f.exact(t, 2, 1, 80)
	live.end(t)
}

// Connections to Postgres are cut again and again, under Run and Rebuild: each record
// is applied once.
func TestConnectionsCut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 3)
	f.send(t, 20, 1, 150)
	config := f.config(t)
	config.Batch = 10
	p := f.new(t, config, apply)
	live := start(t, p)
	rebuilt := make(chan error, 1)
	go func() { rebuilt <- p.Rebuild(t.Context()) }()
	last, deadline := int64(150), time.Now().Add(devstacktest.Patience)
	for cut := int64(0); last < 180 || cut < 10; {
		if time.Now().After(deadline) {
			t.Fatalf("only %d connections were cut", cut)
		}
		last++
		cut += f.number(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid "+
			"<> pg_backend_pid() AND backend_type = 'client backend'")
		f.send(t, 20, last, last)
	}
	if err := <-rebuilt; err != nil {
		t.Fatal(err)
	}
	f.exact(t, 20, 1, last)
	live.end(t)
}
