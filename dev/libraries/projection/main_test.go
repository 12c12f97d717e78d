package projection_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/projection"
)

var stack devstacktest.Stack

// TestMain runs the tests, or is a projection of one: see child_test.go.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(stack.Main(m))
}

// pool is the part of pgxpool that these tests need: a connection for each transaction.
type pool struct{ url string }

func (p pool) Begin(ctx context.Context) (pgx.Tx, error) {
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return nil, err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return single{tx}, nil
}

// Stat is what a pool of pgx has.
func (pool) Stat() poolStat { return poolStat{} }

type poolStat struct{}

// MaxConns is no limit.
func (poolStat) MaxConns() int32 { return 0 }

// single ends its connection with the transaction.
type single struct{ pgx.Tx }

func (s single) Commit(ctx context.Context) error {
	defer s.Conn().Close(ctx)
	return s.Tx.Commit(ctx)
}

func (s single) Rollback(ctx context.Context) error {
	defer s.Conn().Close(ctx)
	return s.Tx.Rollback(ctx)
}

// fixture is a topic, and a database with a position table and a read model.
type fixture struct {
	devstacktest.Database
	topic string
	name  string
}

// model counts the records of each key, and those that came out of order.
const model = "CREATE TABLE totals (key text PRIMARY KEY, n bigint NOT NULL, last bigint NOT NULL, wrong bigint NOT NULL DEFAULT 0)"

func newFixture(t testing.TB, partitions int32) *fixture {
	t.Helper()
	return newFixtureOn(t, stack.Database(t), partitions)
}

func newFixtureOn(t testing.TB, database devstacktest.Database, partitions int32) *fixture {
	t.Helper()
	ddl, err := projection.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Database: database, topic: stack.Topic(t, partitions), name: "totals"}
	f.Exec(t, ddl, model)
	return f
}

func (f *fixture) config(t testing.TB) projection.Config {
	return projection.Config{
		Name: f.name, Brokers: stack.Kafka(t).Bootstrap(devstack.Plaintext),
		Topics: []string{f.topic}, Tables: []string{"totals"}, ConfigureSarama: quick,
	}
}

// quick makes sarama notice things sooner than a service wants to.
func quick(s *sarama.Config) {
	s.Consumer.MaxWaitTime = 50 * time.Millisecond
	s.Consumer.Retry.Backoff = 50 * time.Millisecond
}

// apply is the handler: a record counts once, or the sums tell.
func apply(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
	var n int64
	if _, err := fmt.Sscan(string(e.Payload), &n); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("totals")+` AS t (key, n, last) VALUES ($1, 1, $2)
		ON CONFLICT (key) DO UPDATE SET n = t.n + 1, last = excluded.last,
			wrong = t.wrong + CASE WHEN excluded.last = t.last + 1 THEN 0 ELSE 1 END`, string(e.Key), n)
	return err
}

// send writes the numbers from..to for each of the keys k0, k1, ...
func (f *fixture) send(t testing.TB, keys int, from, to int64) {
	t.Helper()
	f.sendWith(t, func(*sarama.Config) {}, keys, from, to)
}

func (f *fixture) sendWith(t testing.TB, change func(*sarama.Config), keys int, from, to int64) {
	t.Helper()
	producer := newProducer(t, change)
	defer producer.Close()
	if err := producer.SendMessages(f.messages(keys, from, to)); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) messages(keys int, from, to int64) []*sarama.ProducerMessage {
	var all []*sarama.ProducerMessage
	for n := from; n <= to; n++ {
		for k := range keys {
			all = append(all, &sarama.ProducerMessage{
				Topic: f.topic, Key: sarama.StringEncoder(fmt.Sprint("k", k)), Value: sarama.StringEncoder(fmt.Sprint(n)),
				Headers: []sarama.RecordHeader{
					{Key: []byte("id"), Value: []byte(fmt.Sprint(k, "-", n))}, {Key: []byte("eventType"), Value: []byte("Counted")},
				},
			})
		}
	}
	return all
}

func newProducer(t testing.TB, change func(*sarama.Config)) sarama.SyncProducer {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks, config.Producer.Return.Successes = sarama.WaitForAll, true
	config.Producer.Idempotent, config.Net.MaxOpenRequests = true, 1 // its retries must not be taken for the projection's
	change(config)
	producer, err := sarama.NewSyncProducer(stack.Kafka(t).Bootstrap(devstack.Plaintext), config)
	if err != nil {
		t.Fatal(err)
	}
	return producer
}

// running is a projection that runs.
type running struct {
	*projection.Projection
	stop context.CancelFunc
	done chan struct{}
	err  error
}

func start(t testing.TB, p *projection.Projection) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{Projection: p, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.done
	})
	return r
}

func (f *fixture) new(t testing.TB, config projection.Config, handle projection.Handler[pgx.Tx]) *projection.Projection {
	t.Helper()
	p, err := projection.New(config, projection.Pgx(pool{f.URL}), handle)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// end stops it, and it must have nothing to complain about.
func (r *running) end(t testing.TB) {
	t.Helper()
	r.stop()
	<-r.done
	if r.err != nil {
		t.Error(r.err)
	}
}

func (f *fixture) number(t testing.TB, query string) (n int64) {
	t.Helper()
	if err := f.Conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// exact waits until all is applied, and checks that it is once and in order.
func (f *fixture) exact(t testing.TB, keys int, from, to int64) {
	t.Helper()
	want := int64(keys) * (to - from + 1)
	devstacktest.Await(t, fmt.Sprintf("%d records to be applied", want), func() bool {
		return f.number(t, "SELECT coalesce(sum(n), 0) FROM totals") >= want
	})
	if n := f.number(t, "SELECT sum(n) FROM totals"); n != want {
		t.Errorf("%d records applied, want %d", n, want)
	}
	if n := f.number(t, "SELECT sum(wrong) FROM totals"); n != 0 {
		t.Errorf("%d records out of order", n)
	}
	if n := f.number(t, fmt.Sprintf("SELECT count(*) FROM totals WHERE last <> %d", to)); n != 0 {
		t.Errorf("%d keys do not end with %d", n, to)
	}
}
