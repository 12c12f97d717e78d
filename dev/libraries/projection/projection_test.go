package projection_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

func TestFromTheBeginningAndOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 3)
	f.send(t, 10, 1, 50)
	first := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 10, 1, 50)
	f.send(t, 10, 51, 60) // live
	f.exact(t, 10, 1, 60)
	devstacktest.Await(t, "health", func() bool {
		h := first.Health()
		var next, end int64
		for _, p := range h.Partitions {
			next, end = next+p.Next, end+p.End
		}
		return len(h.Partitions) == 3 && next == 600 && end == 600 && !h.Stuck(time.Minute)
	})
	if err := first.Run(t.Context()); !errors.Is(err, projection.ErrRunning) {
		t.Errorf("a second Run: %v", err)
	}
	first.end(t)
	f.send(t, 10, 61, 80)
	start(t, f.new(t, f.config(t), apply)).waitAndEnd(t, f, 10, 80)
	if n := f.number(t, "SELECT sum(next_offset) FROM projection_position"); n != 800 {
		t.Errorf("position %d", n)
	}
}

func (r *running) waitAndEnd(t *testing.T, f *fixture, keys int, to int64) {
	t.Helper()
	f.exact(t, keys, 1, to)
	r.end(t)
}

func TestStarts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 10)
	middle := time.Now().Add(time.Millisecond)
	devstacktest.Await(t, "time to pass", func() bool { return time.Now().After(middle) })
	f.send(t, 1, 11, 20)
	for name, c := range map[string]struct {
		start projection.Start
		n     int64
	}{
		"beginning":       {projection.Beginning(), 20},
		"offset":          {projection.Offsets(map[string]map[int32]int64{f.topic: {0: 15}}), 5},
		"another's":       {projection.Offsets(map[string]map[int32]int64{"other": {0: 15}}), 20},
		"time":            {projection.At(middle), 10},
		"nothing so late": {projection.At(time.Now().Add(time.Hour)), 0},
	} {
		config := f.config(t)
		config.Name, config.Start = name, c.start
		r := start(t, f.new(t, config, apply))
		devstacktest.Await(t, name, func() bool {
			return f.number(t, "SELECT count(*) FROM projection_position WHERE next_offset = 20 AND projection = '"+
				strings.ReplaceAll(name, "'", "''")+"'") == 1
		})
		r.end(t)
		if n := f.number(t, "SELECT coalesce(sum(n), 0) FROM totals"); n != c.n {
			t.Errorf("%s: %d records, want %d", name, n, c.n)
		}
		f.Exec(t, "DELETE FROM totals")
	}
	config := f.config(t)
	config.Name, config.Start = "beyond", projection.Offsets(map[string]map[int32]int64{f.topic: {0: 21}})
	if err := f.new(t, config, apply).Run(t.Context()); !errors.Is(err, projection.ErrOutOfRange) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestWithDatabaseSQL(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	f.send(t, 4, 1, 30)
	p, err := projection.New(f.config(t), projection.SQL(devstacktest.OpenSQL(t, f.URL)),
		func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO "+e.Table("totals")+` AS t (key, n, last) VALUES ($1, 1, $2::text::bigint)
			ON CONFLICT (key) DO UPDATE SET n = t.n + 1, last = excluded.last`, string(e.Key), string(e.Payload))
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, p)
	f.exact(t, 4, 1, 30)
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 4, 1, 30)
	r.end(t)
}

// A record whose error does not pass stops Run with its place, and all before it are
// applied; one whose error passes is tried again.
func TestErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 40)
	var tries atomic.Int64
	r := start(t, f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		switch string(e.Payload) {
		case "10":
			if tries.Add(1) < 4 {
				return errors.New("not yet")
			}
		case "30":
			return inbox.Permanent(errors.New("poison"))
		}
		return apply(ctx, tx, e)
	}))
	<-r.done
	if r.err == nil || !strings.Contains(r.err.Error(), "poison") || !strings.Contains(r.err.Error(), f.topic+"/0 offset 29") {
		t.Errorf("%v", r.err)
	}
	f.exact(t, 1, 1, 29)
	err := f.new(t, f.config(t), func(context.Context, pgx.Tx, *projection.Event) error { panic("lost") }).Run(t.Context())
	if panicked, ok := errors.AsType[*inbox.PanicError](err); !ok || panicked.Value != "lost" {
		t.Errorf("%v", err)
	}
	start(t, f.new(t, f.config(t), apply)).waitAndEnd(t, f, 1, 40)
}

// lossy returns a DB of which some commits are not answered: those that lose says, by
// their number from 1.
func lossy(db projection.DB[pgx.Tx], n *atomic.Int64, lose func(n int64) bool) projection.DB[pgx.Tx] {
	transact := db.Transact
	db.Transact = func(ctx context.Context, do func(pgx.Tx) error) error {
		err := transact(ctx, do)
		if err == nil && lose(n.Add(1)) {
			return errors.New("the connection was lost")
		}
		return err
	}
	return db
}

// A commit whose answer is lost is known by the position, and not done again.
func TestLostAnswersOfCommits(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 7} {
		f := newFixture(t, 1)
		f.send(t, 3, 1, 20)
		config := f.config(t)
		config.Batch = batch
		p, err := projection.New(config, lossy(projection.Pgx(pool{f.URL}), &atomic.Int64{}, func(n int64) bool { return n%3 == 0 }),
			apply)
		if err != nil {
			t.Fatal(err)
		}
		start(t, p).waitAndEnd(t, f, 3, 20)
	}
}

// So is the answer to the swap of a rebuild, which is done once more then: with one
// record it is the fourth commit, after the tables, the start, and the record.
func TestLostAnswerOfTheSwap(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 1)
	var n atomic.Int64
	p, err := projection.New(f.config(t), lossy(projection.Pgx(pool{f.URL}), &n, func(n int64) bool { return n == 4 }), apply)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 1)
	if generation := f.number(t, "SELECT max(generation) FROM projection_position"); n.Load() != 8 || generation != 2 {
		t.Errorf("%d commits, generation %d", n.Load(), generation)
	}
}

// A process that is frozen within a transaction does not hold up the next for ever.
func TestTransactionsMayNotBeIdleForLong(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 1)
	got := make(chan string, 1)
	r := start(t, f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, _ *projection.Event) (err error) {
		var limit string
		err = tx.QueryRow(ctx, "SHOW idle_in_transaction_session_timeout").Scan(&limit)
		got <- limit
		return err
	}))
	if limit := <-got; limit != "35s" {
		t.Errorf("%q", limit)
	}
	r.end(t)
}

// Two processes of one projection: nothing is applied twice, and the one that came
// too late stops.
func TestSecondProcessIsFenced(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 2, 1, 10)
	first := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 2, 1, 10)
	second := start(t, f.new(t, f.config(t), apply))
	devstacktest.Await(t, "the second to read", func() bool { return len(second.Health().Partitions) == 1 })
	n := int64(10)
	var lost *running
	devstacktest.Await(t, "one to be fenced", func() bool { // by an event that both have read
		n++
		f.send(t, 2, n, n)
		select {
		case <-first.done:
			lost = first
		case <-second.done:
			lost = second
		default:
		}
		return lost != nil
	})
	f.exact(t, 2, 1, n)
	if !errors.Is(lost.err, projection.ErrMoved) {
		t.Errorf("%v", lost.err)
	}
}

func TestOutOfRangeStopsLoudly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 10)
	r := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 1, 1, 10)
	r.end(t)
	f.send(t, 1, 11, 20)
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteRecords(f.topic, map[int32]int64{0: 15}); err != nil {
		t.Fatal(err)
	}
	err = f.new(t, f.config(t), apply).Run(t.Context())
	if !errors.Is(err, projection.ErrOutOfRange) || !strings.Contains(err.Error(), f.topic+"/0, offset 10") {
		t.Errorf("%v", err)
	}
	f.exact(t, 1, 1, 10)
}

func TestMissingTopicStops(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.config(t)
	config.Topics = []string{f.topic + ".missing"}
	if err := f.new(t, config, apply).Run(t.Context()); !errors.Is(err, sarama.ErrUnknownTopicOrPartition) ||
		!strings.Contains(err.Error(), ".missing") {
		t.Errorf("%v", err)
	}
	f.Exec(t, "DROP TABLE projection_position")
	if err := f.new(t, f.config(t), apply).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "projection_position") {
		t.Errorf("%v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := projection.Config{Name: "n", Brokers: []string{"b:1"}, Topics: []string{"t"}, Tables: []string{"shop.totals"}}
	store := projection.Pgx(pool{})
	if _, err := projection.New(good, store, apply); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*projection.Config){
		"Name":           func(c *projection.Config) { c.Name = "a/b" },
		"Brokers":        func(c *projection.Config) { c.Brokers = nil },
		`want host:port`: func(c *projection.Config) { c.Brokers = []string{"b"} },
		"Topics":         func(c *projection.Config) { c.Topics = []string{"t", "t"} },
		"Batch":          func(c *projection.Config) { c.Batch = -1 },
		"AttemptTimeout": func(c *projection.Config) { c.AttemptTimeout = -1 },
		`Tables: "A"`:    func(c *projection.Config) { c.Tables = []string{"A"} },
		"Position":       func(c *projection.Config) { c.Position = strings.Repeat("x", 60) },
		"ReadCommitted": func(c *projection.Config) {
			c.ConfigureSarama = func(s *sarama.Config) { s.Consumer.IsolationLevel = 0 }
		},
		"Return.Errors": func(c *projection.Config) {
			c.ConfigureSarama = func(s *sarama.Config) { s.Consumer.Return.Errors = false }
		},
	} {
		bad := good
		change(&bad)
		_, err := projection.New(bad, store, apply)
		var field *projection.ConfigError
		if !errors.Is(err, projection.ErrConfig) || !strings.Contains(fmt.Sprint(err), want) || !errors.As(err, &field) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	var field *projection.ConfigError
	bad := good
	bad.SASL = &inbox.SASL{Mechanism: "PLAIN", User: "me"}
	if _, err := projection.New(bad, store, apply); !errors.As(err, &field) || field.Field != "SASL.Password" {
		t.Errorf("%v", err)
	}
	if _, err := projection.DDL("x; DROP TABLE y"); err == nil {
		t.Error("a name that is none")
	}
}
