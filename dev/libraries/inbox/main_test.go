package inbox_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

var stack devstacktest.Stack

// TestMain runs the tests, or is a consumer of one: see child_test.go.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(stack.Main(m))
}

// pool is the part of pgxpool that these tests need, so that the module does not need
// what that does.
type pool struct {
	url  string
	mu   sync.Mutex
	idle []*pgx.Conn
}

func newPool(t testing.TB, url string) *pool {
	t.Helper()
	p := &pool{url: url}
	t.Cleanup(p.close)
	return p
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.idle {
		_ = conn.Close(context.Background())
	}
	p.idle = nil
}

func (p *pool) Begin(ctx context.Context) (pgx.Tx, error) {
	conn, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		p.put(conn)
		return nil, err
	}
	return &pooled{Tx: tx, pool: p}, nil
}

// Stat is what a pool of pgx has.
func (p *pool) Stat() poolStat { return poolStat{} }

type poolStat struct{}

// MaxConns is no limit.
func (poolStat) MaxConns() int32 { return 0 }

func (p *pool) take(ctx context.Context) (*pgx.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		conn := p.idle[n-1]
		p.idle = p.idle[:n-1]
		if !conn.IsClosed() {
			return conn, nil
		}
	}
	return pgx.Connect(ctx, p.url)
}

func (p *pool) put(conn *pgx.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !conn.IsClosed() {
		p.idle = append(p.idle, conn)
	}
}

// pooled gives its connection back at the end.
type pooled struct {
	pgx.Tx
	pool *pool
	once sync.Once
}

func (t *pooled) Commit(ctx context.Context) error {
	defer t.once.Do(func() { t.pool.put(t.Conn()) })
	return t.Tx.Commit(ctx)
}

func (t *pooled) Rollback(ctx context.Context) error {
	defer t.once.Do(func() { t.pool.put(t.Conn()) })
	return t.Tx.Rollback(ctx)
}

// fixture is a topic with its dead letter topic, and a database with an inbox and
// the table effect, into which handlers write.
type fixture struct {
	devstacktest.Database
	kafka    *devstack.Kafka
	topic    string
	pool     *pool
	producer sarama.SyncProducer
}

func newFixture(t testing.TB, partitions int32) *fixture {
	t.Helper()
	return fixtureIn(t, stack.Database(t), stack.Kafka(t), partitions)
}

func fixtureIn(t testing.TB, db devstacktest.Database, kafka *devstack.Kafka, partitions int32) *fixture {
	t.Helper()
	ddl, err := inbox.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, ddl, effectTable)
	f := &fixture{Database: db, kafka: kafka, topic: stack.Name(t), pool: newPool(t, db.URL)}
	for _, topic := range []string{f.topic, f.topic + ".DLT"} {
		if err := f.kafka.CreateTopic(t.Context(), topic, partitions, -1, nil); err != nil {
			t.Fatal(err)
		}
	}
	f.producer = newProducer(t, f.kafka)
	return f
}

// effectTable counts: one row for each time a handler's transaction has committed.
const effectTable = "CREATE TABLE effect (n bigserial, id text, key text, part int, pos bigint, who text)"

func newProducer(t testing.TB, kafka *devstack.Kafka) sarama.SyncProducer {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = int(sarama.MaxRequestSize) // the topic judges
	producer, err := sarama.NewSyncProducer(kafka.Bootstrap(devstack.Plaintext), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return producer
}

// message is an event with a number as id.
func (f *fixture) message(id, key string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{
		Topic: f.topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder("payload of " + id),
		Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(id)}, {Key: []byte("eventType"), Value: []byte("Tested")}},
	}
}

func (f *fixture) send(t testing.TB, messages ...*sarama.ProducerMessage) {
	t.Helper()
	if err := f.producer.SendMessages(messages); err != nil {
		t.Fatal(err)
	}
}

// events sends n events with ids from, from+1, ..., over so many keys.
func (f *fixture) events(t testing.TB, from, n, keys int) {
	t.Helper()
	all := make([]*sarama.ProducerMessage, n)
	for i := range all {
		all[i] = f.message(fmt.Sprint(from+i), fmt.Sprint("k", (from+i)%keys))
	}
	f.send(t, all...)
}

func (f *fixture) config(t testing.TB) inbox.Config {
	return inbox.Config{
		Brokers: f.kafka.Bootstrap(devstack.Plaintext), Group: stack.Name(t), Topics: []string{f.topic},
		Retry: inbox.Retry{First: time.Millisecond, Max: 50 * time.Millisecond}, ConfigureSarama: quick,
		Observers: []inbox.Observer{observed(t)},
	}
}

// quick makes sarama notice things sooner than a service wants to.
func quick(s *sarama.Config) {
	s.Consumer.Group.Session.Timeout = 6 * time.Second // the least that a broker takes
	s.Consumer.Group.Heartbeat.Interval = 100 * time.Millisecond
	s.Consumer.Group.Rebalance.Retry.Backoff = 50 * time.Millisecond
	s.Consumer.Offsets.AutoCommit.Interval = 50 * time.Millisecond
	s.Consumer.MaxWaitTime = 50 * time.Millisecond
}

// observed shows in a failed test what happened but for the successes.
func observed(t testing.TB) inbox.Observer {
	var mu sync.Mutex
	var lines []string
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if t.Failed() {
			for _, line := range lines[max(0, len(lines)-60):] {
				t.Log(line)
			}
		}
	})
	return inbox.ObserverFunc(func(o inbox.Observation) {
		if o.Kind == inbox.KindProcessed || o.Kind == inbox.KindRepeated {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprint(time.Now().Format("05.000 "), o.Kind, " ", o.Event, " ", o.Class, " ", o.Err))
	})
}

// effect returns what handlers do: a row.
func effect(ctx context.Context, tx pgx.Tx, e *inbox.Event, who string) error {
	_, err := tx.Exec(ctx, "INSERT INTO effect (id, key, part, pos, who) VALUES ($1, $2, $3, $4, $5)",
		e.ID, string(e.Key), e.Partition, e.Offset, who)
	return err
}

func record(ctx context.Context, tx pgx.Tx, e *inbox.Event) error { return effect(ctx, tx, e, "") }

// member is a consumer that runs.
type member struct {
	*inbox.Consumer
	stop context.CancelFunc
	err  error
	done chan struct{}
}

// start runs a consumer until stop, or the end of the test.
func (f *fixture) start(t testing.TB, config inbox.Config, handle inbox.Handler[pgx.Tx]) *member {
	t.Helper()
	consumer, err := inbox.New(config, inbox.Pgx(f.pool), handle)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, consumer)
}

func run(t testing.TB, consumer *inbox.Consumer) *member {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	m := &member{Consumer: consumer, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		m.err = consumer.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-m.done
	})
	return m
}

// end stops the member, which must have nothing to complain about.
func (m *member) end(t testing.TB) {
	t.Helper()
	m.stop()
	<-m.done
	if m.err != nil {
		t.Error(m.err)
	}
}

// number returns what a query counts.
func (f *fixture) number(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := f.Conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// await waits until so many rows are in effect.
func (f *fixture) await(t testing.TB, want int) {
	t.Helper()
	devstacktest.Await(t, fmt.Sprintf("%d effects", want), func() bool { return f.number(t, "SELECT count(*) FROM effect") >= want })
}

// once checks that each of n ids has its effect once, in the order of its key.
func (f *fixture) once(t testing.TB, n int) {
	t.Helper()
	f.await(t, n)
	if rows, ids := f.number(t, "SELECT count(*) FROM effect"), f.number(t, "SELECT count(DISTINCT id) FROM effect"); rows != n ||
		ids != n {
		t.Errorf("%d effects of %d events, want %d", rows, ids, n)
	}
	if n := f.number(t, "SELECT count(*) FROM (SELECT pos < lag(pos) OVER (PARTITION BY key ORDER BY n) AS back FROM effect) AS x "+
		"WHERE back"); n > 0 {
		t.Errorf("%d events of a key out of order", n)
	}
}

// committed is the sum of a group's offsets in the topic.
func (f *fixture) committed(t testing.TB, group string) int64 {
	t.Helper()
	return devstacktest.Committed(t, f.kafka, group, f.topic)
}
