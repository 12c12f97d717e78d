package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// bench is one relay on real servers: a database and topics of its own.
type bench struct {
	db    devstacktest.Database
	kafka *devstack.Kafka
	topic string // the topic of aggregate type "order"
	cfg   *config.Config
	relay *relay.Relay
	run   *relaytest.Running // of that relay
	seen  *counters
	log   *zap.Logger // of the next launch; nil: the test's

	patience  time.Duration // of the next launch; 0: the default
	guardIdle time.Duration // the same
	stuckFor  time.Duration // the same
	startLook time.Duration // the same
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
	if slices.Contains(extra, messageSection) {
		db.RevokeMessages(t)
	}
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
	conn := devstacktest.Connect(t, p, "postgres")
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
	b.cfg = relaytest.Load(t, yaml+strings.ReplaceAll(strings.Join(extra, "\n"), "PREFIX", prefix))
}

// start runs the relay and waits until it streams.
func (b *bench) start(t *testing.T) {
	t.Helper()
	b.launch(t)
	b.until(t, "streaming", func() bool { return b.relay.Status().State == status.Streaming })
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
	if b.stuckFor > 0 {
		r.SetStuckFor(b.stuckFor)
	}
	if b.startLook > 0 {
		r.SetStartLook(b.startLook)
	}
	b.relay, b.run = r, relaytest.Run(t, r)
}

// end stops the relay in order and gives what Run returned.
func (b *bench) end(t *testing.T) error {
	t.Helper()
	return b.run.End(t)
}

// wait gives what Run returned.
func (b *bench) wait(t *testing.T) error {
	t.Helper()
	return b.run.Wait(t)
}

// until waits for a condition while the relay runs.
func (b *bench) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	b.run.Until(t, what, ok)
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
	ctx, cancel := context.WithTimeoutCause(t.Context(), devstacktest.Patience, errors.New("waited too long"))
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

// exact checks that the topic holds what the table does, and gives the report.
func (b *bench) exact(t *testing.T) *oracle.Report {
	t.Helper()
	return relaytest.Exact(t, b.db.Conn, b.kafka, b.topic)
}

// confirmed waits until the slot is confirmed up to everything written so far.
func (b *bench) confirmed(t *testing.T) {
	t.Helper()
	b.until(t, "the slot to be confirmed", devstacktest.Confirmed(t, b.db.Conn, b.cfg.Postgres.Slot))
}

// released waits until the server has noticed that nobody reads the slot any more.
func (b *bench) released(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, b.db.Conn, b.cfg.Postgres.Slot))
}

// ready is what /readyz says.
func (b *bench) ready() bool {
	report := b.relay.Report("")
	return report.Ready()
}
