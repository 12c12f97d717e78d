package relay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/oracle"
	"github.com/walpost/walpost/internal/relay"
)

// outboxDDL is Debezium's outbox table, which the defaults fit.
const outboxDDL = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
	aggregateid text, type text, payload jsonb)`

// bench is one relay on real servers: a database and topics of its own.
type bench struct {
	db     devstacktest.Database
	kafka  *devstack.Kafka
	topic  string // the topic of aggregate type "order"
	cfg    *config.Config
	stop   chan struct{}
	done   chan error
	relay  *relay.Relay
	cancel context.CancelFunc
	seen   *counters
	log    *zap.Logger // of the next launch; nil: the test's

	patience  time.Duration // of the next launch; 0: the default
	guardIdle time.Duration // the same
}

// newBench makes the database, the topic, and a configuration with the extra YAML.
func newBench(t *testing.T, ddl string, extra ...string) *bench {
	t.Helper()
	db := stack.Database(t)
	db.Exec(t, ddl)
	return newBenchOn(t, db, stack.Kafka(t), extra...)
}

// newBenchOn is newBench on servers of the test's own, which it may break.
func newBenchOn(t *testing.T, db devstacktest.Database, k *devstack.Kafka, extra ...string) *bench {
	t.Helper()
	b := &bench{db: db, kafka: k}
	prefix := stack.Name(t)
	b.topic = prefix + ".order"
	if err := b.kafka.CreateTopic(t.Context(), b.topic, 4, 1, nil); err != nil {
		t.Fatal(err)
	}
	b.configure(t, prefix, extra...)
	return b
}

// ownDatabase is a database on a server of the test's own.
func ownDatabase(t *testing.T, p *devstack.Postgres, ddl string) devstacktest.Database {
	t.Helper()
	conn, err := p.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	db := devstacktest.Database{Name: stack.Name(t), URL: p.URL("postgres"), Conn: conn, Server: p}
	db.Exec(t, ddl)
	return db
}

// configure writes the file and loads it as `run` would.
func (b *bench) configure(t *testing.T, prefix string, extra ...string) {
	t.Helper()
	yaml := fmt.Sprintf(`
name: %s
postgres:
  url: %s
kafka:
  brokers: [%s]
`, b.db.Name, b.db.URL, strings.Join(b.kafka.Bootstrap(devstack.Plaintext), ", "))
	if strings.Contains(strings.Join(extra, "\n"), "kafka:") {
		yaml, _, _ = strings.Cut(yaml, "kafka:")
	}
	if !strings.Contains(strings.Join(extra, "\n"), "outbox:") {
		yaml += fmt.Sprintf("outbox:\n  topic: %s.{aggregatetype}\n", prefix)
	}
	b.cfg = load(t, yaml+strings.ReplaceAll(strings.Join(extra, "\n"), "PREFIX", prefix))
}

// start runs the relay and waits until it streams.
func (b *bench) start(t *testing.T) {
	t.Helper()
	b.launch(t)
	b.until(t, "streaming", func() bool { return b.relay.Status().State == relay.Streaming })
}

func (b *bench) launch(t *testing.T) {
	t.Helper()
	b.seen = &counters{}
	if b.log == nil {
		b.log = zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel))
	}
	r, err := relay.New(b.cfg, b.seen, b.log)
	if err != nil {
		t.Fatal(err)
	}
	if b.patience > 0 {
		r.SetPatience(b.patience)
	}
	if b.guardIdle > 0 {
		r.SetGuardIdle(b.guardIdle)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop, done := make(chan struct{}), make(chan error, 1)
	b.relay, b.stop, b.done, b.cancel = r, stop, done, cancel
	go func() {
		done <- r.Run(ctx, stop)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		for range done { // until it has ended
		}
	})
}

// end stops the relay in order and gives what Run returned.
func (b *bench) end(t *testing.T) error {
	t.Helper()
	close(b.stop)
	return b.wait(t)
}

// wait gives what Run returned.
func (b *bench) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-b.done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("the relay did not end in a minute")
		return nil
	}
}

// until waits for a condition.
func (b *bench) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case err := <-b.done:
			t.Fatalf("waiting for %s: the relay ended: %v", what, err)
		case <-tick.C:
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s; the relay is %+v", what, b.relay.Status())
		}
	}
}

// consume reads n records of the topic from its beginning; fewer is a failure.
func (b *bench) consume(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Bootstrap(devstack.Plaintext)...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond), kgo.UnknownTopicRetries(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("waited a minute"))
	defer cancel()
	var got []*kgo.Record
	for len(got) < n {
		got = append(got, cl.PollFetches(ctx).Records()...)
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d records of %s: %v", len(got), n, topic, context.Cause(ctx))
		}
	}
	return got
}

// load writes a configuration file and reads it as `run` would.
func load(t *testing.T, yaml string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "walpost.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// insert is one event with a number under a key.
func insert(key string, n int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', '%s', 'Created', '{"n": %d}')`, key, n)
}

// exact checks that the topic holds what the table does, and gives the report.
func (b *bench) exact(t *testing.T) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), b.db.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	client, err := b.kafka.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	records, err := oracle.Consumed(ctx, client, b.topic)
	if err != nil {
		t.Fatal(err)
	}
	report := oracle.Compare(committed, records)
	if !report.Kept() {
		t.Errorf("%v", report)
	}
	return report
}

// confirmed waits until the slot is confirmed up to everything written so far.
func (b *bench) confirmed(t *testing.T) {
	t.Helper()
	var lsn string
	if err := b.db.Conn.QueryRow(t.Context(), "SELECT pg_current_wal_lsn()").Scan(&lsn); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the slot to be confirmed up to "+lsn, func() bool {
		var there bool
		err := b.db.Conn.QueryRow(t.Context(), "SELECT confirmed_flush_lsn >= $1::pg_lsn FROM pg_replication_slots WHERE slot_name = $2",
			lsn, b.cfg.Postgres.Slot).Scan(&there)
		if err != nil {
			t.Fatal(err)
		}
		return there
	})
}

// released waits until the server has noticed that nobody reads the slot any more.
func (b *bench) released(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for active := true; active; {
		if err := b.db.Conn.QueryRow(t.Context(), "SELECT active FROM pg_replication_slots WHERE slot_name = $1", b.cfg.Postgres.Slot).Scan(&active); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the slot is still active after a minute")
		}
	}
}

// ready is what /readyz says.
func (b *bench) ready() bool {
	report := b.relay.Report("")
	return report.Ready()
}
