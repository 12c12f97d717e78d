package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/oracle"
	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay"
)

const outboxDDL = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
	aggregateid text, type text, payload jsonb, created timestamptz NOT NULL DEFAULT clock_timestamp())`

// fixture is a database with an outbox, a topic, and a file.
type fixture struct {
	db    devstacktest.Database
	topic string
	file  string
	cfg   *config.Config
}

// timed is the outbox section of most tests.
const timed = "outbox: {topic: TOPIC, timestamp: created, position_header: walpost-position}"

func newFixture(t *testing.T, extra ...string) *fixture {
	t.Helper()
	return newFixtureOn(t, stack.Database(t), extra...)
}

func newFixtureOn(t *testing.T, db devstacktest.Database, extra ...string) *fixture {
	t.Helper()
	f := &fixture{db: db, topic: stack.Topic(t, 3)}
	f.db.Exec(t, outboxDDL)
	f.configure(t, db.URL, extra...)
	return f
}

func (f *fixture) configure(t *testing.T, url string, extra ...string) {
	t.Helper()
	text := strings.Join(extra, "\n")
	if !strings.Contains(text, "outbox:") {
		text += "\n" + timed
	}
	yaml := fmt.Sprintf("name: %s\npostgres: {url: %q}\nkafka: {brokers: [%s]}\n%s\n", f.topic, url,
		strings.Join(stack.Kafka(t).Bootstrap(devstack.Plaintext), ", "), strings.ReplaceAll(text, "TOPIC", f.topic))
	f.file = filepath.Join(t.TempDir(), "walpost.yaml")
	if err := os.WriteFile(f.file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.cfg, err = config.Load(f.file); err != nil {
		t.Fatal(err)
	}
}

// insert is one event with a number under a key.
func insert(key string, n int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', '%s', 'Created', '{"n": %d}')`, key, n)
}

// fill is many events of one key in one transaction.
func fill(key string, from, to int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', '%s', 'Created', jsonb_build_object('n', n) FROM generate_series(%d, %d) n`, key, from, to)
}

// running is a relay.
type running struct {
	*relay.Relay
	stop chan struct{}
	done chan error
}

// observer hears nothing.
type observer struct{}

func (observer) Published(string, int, int) {}
func (observer) Rejected(string, string)    {}
func (observer) DeadLettered(string)        {}
func (observer) ProduceError(string)        {}
func (observer) PossibleRepeats(int)        {}
func (observer) CommitToAck(time.Duration)  {}
func (observer) Request(time.Duration)      {}
func (observer) Reconnected()               {}
func (observer) ChangeIgnored(string)       {}
func (observer) PostgresConnected()         {}
func (observer) Pruned(int)                 {}

func (f *fixture) launch(t *testing.T) *running {
	t.Helper()
	r, err := relay.New(f.cfg, observer{}, zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	run := &running{Relay: r, stop: make(chan struct{}), done: make(chan error, 1)}
	go func() {
		run.done <- r.Run(ctx, run.stop)
		close(run.done)
	}()
	t.Cleanup(func() {
		cancel()
		for range run.done { // until it has ended
		}
	})
	return run
}

// relay runs one until everything committed so far is confirmed, and stops it.
func (f *fixture) relay(t *testing.T) {
	t.Helper()
	r := f.launch(t)
	f.confirmed(t)
	close(r.stop)
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	f.released(t)
}

// halts runs a relay that must halt at its start.
func (f *fixture) halts(t *testing.T) {
	t.Helper()
	select {
	case err := <-f.launch(t).done:
		if relay.ExitCode(err) != relay.ExitHalted {
			t.Fatalf("the relay ended with %v", err)
		}
	case <-time.After(devstacktest.Patience):
		t.Fatal("the relay did not halt")
	}
}

func (f *fixture) confirmed(t *testing.T) {
	t.Helper()
	end := query[string](t, f, "SELECT pg_current_wal_insert_lsn()::text")
	devstacktest.Await(t, "the slot to be confirmed up to "+end, func() bool {
		return query[int](t, f, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '"+f.cfg.Postgres.Slot+"' AND confirmed_flush_lsn >= '"+end+"'") == 1
	})
}

func (f *fixture) released(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", func() bool {
		return query[int](t, f, "SELECT count(*) FROM pg_replication_slots WHERE active AND slot_name = '"+f.cfg.Postgres.Slot+"'") == 0
	})
}

// slots are the slots of the fixture's relay.
func (f *fixture) slots(t *testing.T) string {
	t.Helper()
	return query[string](t, f, "SELECT coalesce(string_agg(slot_name || ' ' || confirmed_flush_lsn, ', ' ORDER BY slot_name), '') FROM pg_replication_slots WHERE slot_name LIKE '"+f.cfg.Postgres.Slot+"%'")
}

// open opens a recovery and makes its plan.
func (f *fixture) open(t *testing.T, rows recovery.Selection, force bool) (*recovery.Recovery, *recovery.Plan, error) {
	t.Helper()
	r, err := recovery.Open(t.Context(), recovery.Options{Config: f.cfg, Rows: rows, Force: force, Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))})
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { r.Close(context.WithoutCancel(t.Context())) })
	plan, err := r.Examine(t.Context())
	if err != nil {
		r.Close(t.Context())
	}
	return r, plan, err
}

// recover does a recovery and gives what it did.
func (f *fixture) recover(t *testing.T, rows recovery.Selection, force bool) recovery.Result {
	t.Helper()
	r, plan, err := f.open(t, rows, force)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	result, err := r.Run(t.Context(), plan, func(recovery.Stage, recovery.Result) {})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// exact compares table and topic: nothing lost, nothing invented, order kept.
func (f *fixture) exact(t *testing.T) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), f.db.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	client, err := stack.Kafka(t).Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	records, err := oracle.Consumed(t.Context(), client, f.topic)
	if err != nil {
		t.Fatal(err)
	}
	report := oracle.Compare(committed, records)
	if !report.Kept() {
		t.Errorf("%v", report)
	}
	return report
}

// query gives the one value that SQL answers with.
func query[T any](t *testing.T, f *fixture, sql string) (v T) {
	t.Helper()
	if err := f.db.Conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// wantHalt checks the exit code and the words of an error.
func wantHalt(t *testing.T, err error, code int, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want exit code %d", code)
	}
	got := relay.ExitCode(err)
	if _, ok := errors.AsType[*relay.Halt](err); !ok || got != code {
		t.Fatalf("exit code %d, want %d: %v", got, code, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %v", text, err)
		}
	}
}
