package faults_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// bench is one relay, a database with an outbox, and a topic for it.
type bench struct {
	server   *devstack.Postgres
	database string
	conn     *pgx.Conn // as superuser, past every proxy; the test's goroutine alone
	kafka    *devstack.Kafka
	topic    string
	cfg      *config.Config
	log      *observer.ObservedLogs // what the relay logs, from Info on
	relay    *relay.Relay
	seen     *counters
	run      *relaytest.Running // of that relay
	sampling *sampler
	pause    time.Duration // of a writer between two transactions; 0: none
}

// option changes a bench before its relay starts.
type option struct {
	url      string // of the relay's way to Postgres; "": the straight one
	postgres string // more keys of the section postgres
	kafka    string // more keys of the section kafka
	more     string // more sections; PREFIX is that of the bench's topics
}

// newBench is a bench in the shared Postgres.
func newBench(t *testing.T, o option) *bench {
	t.Helper()
	db := stack.Database(t)
	return newBenchOn(t, db.Server, db.Name, o)
}

// newBenchOn is a bench on a server of the test's own, which it may break.
func newBenchOn(t *testing.T, server *devstack.Postgres, database string, o option) *bench {
	t.Helper()
	b := &bench{server: server, database: database, kafka: stack.Kafka(t)}
	b.reconnect(t, server)
	b.exec(t, relaytest.OutboxDDL)
	prefix := stack.Name(t)
	b.topic = prefix + ".order"
	if err := b.kafka.CreateTopic(t.Context(), b.topic, 4, 1, nil); err != nil {
		t.Fatal(err)
	}
	url := o.url
	if url == "" {
		url = server.URL(database)
	}
	if !strings.Contains(o.postgres, "password:") {
		url = devstacktest.WithCanary(t, url)
	}
	b.cfg = relaytest.Load(t, fmt.Sprintf("name: %s\npostgres:\n  url: %s\n%skafka:\n  brokers: [%s]\n%soutbox:\n  topic: "+
		"%s.{aggregatetype}\n  position_header: walpost-position\n%s",
		prefix, url, o.postgres, strings.Join(b.kafka.Bootstrap(devstack.Plaintext), ", "), o.kafka, prefix,
		strings.ReplaceAll(o.more, "PREFIX", prefix)))
	return b
}

// ownServer is a Postgres that the test may break.
func ownServer(t *testing.T, major int, settings map[string]string) *devstack.Postgres {
	t.Helper()
	return devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major, Settings: settings})
}

// reconnect opens the test's own connection, to the same server or to another one.
func (b *bench) reconnect(t *testing.T, server *devstack.Postgres) {
	t.Helper()
	conn := devstacktest.Connect(t, server, b.database)
	b.server, b.conn = server, conn
}

func (b *bench) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := b.conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// start runs the relay and waits until it streams.
func (b *bench) start(t *testing.T) {
	t.Helper()
	b.launch(t)
	b.state(t, status.Streaming)
}

// launch runs the relay.
func (b *bench) launch(t *testing.T) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	shown := zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel)).WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return zapcore.NewTee(c, core)
	}))
	b.log, b.seen = logs, &counters{}
	r, err := relay.New(b.cfg, b.seen, shown)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keepsSecret(t, r, logs) }) // after it has ended
	b.relay, b.run = r, relaytest.Run(t, r)
}

// keepsSecret looks for the password of the file in all that a relay has shown.
func keepsSecret(t *testing.T, r *relay.Relay, logs *observer.ObservedLogs) {
	t.Helper()
	for _, e := range logs.All() {
		devstacktest.KeepsSecret(t, "the log", fmt.Sprint(e.Message, e.ContextMap()))
	}
	report, err := json.Marshal(r.Report(""))
	if err != nil {
		t.Fatal(err)
	}
	devstacktest.KeepsSecret(t, "the report", string(report))
}

// end stops the relay in order.
func (b *bench) end(t *testing.T) {
	t.Helper()
	if err := b.run.End(t); err != nil {
		t.Fatal(err)
	}
}

// halts waits for the end, which must be a halt that says these words and what to do.
func (b *bench) halts(t *testing.T, code int, words ...string) {
	t.Helper()
	err := b.run.Wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != code {
		t.Fatalf("ended with %v, want a halt with exit code %d", err, code)
	}
	t.Log(halt)
	devstacktest.KeepsSecret(t, "the halt", halt.Error())
	for _, word := range words {
		if !strings.Contains(halt.Error(), word) {
			t.Errorf("halted with %q, in which there is no %q", halt, word)
		}
	}
	if halt.Hint == "" {
		t.Errorf("halted with %q and no hint", halt)
	}
}

// until waits for a condition while the relay lives.
func (b *bench) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	b.run.Until(t, what, ok)
}

// state waits for a state of the relay.
func (b *bench) state(t *testing.T, want status.State) {
	t.Helper()
	b.run.State(t, want)
}

// condition waits until the relay's report has a condition.
func (b *bench) condition(t *testing.T, name string) status.Condition {
	t.Helper()
	var found status.Condition
	b.until(t, "condition "+name, func() bool {
		for _, c := range b.relay.Report("").Conditions {
			if c.Name == name {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

// passes waits until so many more records are in Kafka.
func (b *bench) passes(t *testing.T, records int64) {
	t.Helper()
	before := b.seen.published.Load()
	b.until(t, fmt.Sprint(records, " records to pass"), func() bool { return b.seen.published.Load() >= before+records })
}

// logged counts the lines of the relay's log that hold a text.
func (b *bench) logged(text string) int {
	n := 0
	for _, e := range b.log.All() {
		if strings.Contains(e.Message, text) {
			n++
		}
	}
	return n
}

// confirmed waits until the slot is confirmed up to everything written so far.
func (b *bench) confirmed(t *testing.T) {
	t.Helper()
	b.until(t, "the slot to be confirmed", devstacktest.Confirmed(t, b.conn, b.cfg.Postgres.Slot))
}

// released waits until nobody reads the slot.
func (b *bench) released(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, b.conn, b.cfg.Postgres.Slot))
}

// inserts are so many events in one transaction, under seven keys.
func inserts(first, last int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, first, last)
}
