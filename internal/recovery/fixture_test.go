package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

const outboxDDL = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
	aggregateid text, type text, payload jsonb, created timestamptz NOT NULL DEFAULT clock_timestamp())`

// fixture is a database with an outbox, a topic, and a file.
type fixture struct {
	db    devstacktest.Database
	topic string
	cfg   *config.Config

	stampNow bool // recoveries give the time of publishing
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
	f.cfg = relaytest.Load(t, yaml)
}

// fill is many events of one key in one transaction.
func fill(key string, from, to int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', '%s', 'Created', jsonb_build_object('n', n) FROM generate_series(%d, %d) n`, key, from, to)
}

// relay runs one until everything committed so far is confirmed, and stops it.
func (f *fixture) relay(t *testing.T) {
	t.Helper()
	r := relaytest.Start(t, f.cfg)
	f.confirmed(t)
	if err := r.End(t); err != nil {
		t.Fatal(err)
	}
	f.released(t)
}

// halts runs a relay that must halt at its start.
func (f *fixture) halts(t *testing.T) {
	t.Helper()
	if err := relaytest.Start(t, f.cfg).Wait(t); status.ExitCode(err) != status.ExitHalted {
		t.Fatalf("the relay ended with %v", err)
	}
}

func (f *fixture) confirmed(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be confirmed", devstacktest.Confirmed(t, f.db.Conn, f.cfg.Postgres.Slot))
}

func (f *fixture) released(t *testing.T) {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, f.db.Conn, f.cfg.Postgres.Slot))
}

// slots are the slots of the fixture's relay.
func (f *fixture) slots(t *testing.T) string {
	t.Helper()
	return devstacktest.Value[string](t, f.db.Conn, "SELECT coalesce(string_agg(slot_name || ' ' || confirmed_flush_lsn, ', ' ORDER BY slot_name), '') FROM pg_replication_slots WHERE slot_name LIKE '"+f.cfg.Postgres.Slot+"%'")
}

// open opens a recovery and makes its plan.
func (f *fixture) open(t *testing.T, rows recovery.Selection, force bool) (*recovery.Recovery, *recovery.Plan, error) {
	t.Helper()
	r, err := recovery.Open(t.Context(), recovery.Options{Config: f.cfg, Rows: rows, Force: force, StampNow: f.stampNow, Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))})
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
	return relaytest.Exact(t, f.db.Conn, stack.Kafka(t), f.topic)
}

// wantHalt checks the exit code and the words of an error.
func wantHalt(t *testing.T, err error, code int, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want exit code %d", code)
	}
	got := status.ExitCode(err)
	if _, ok := errors.AsType[*status.Halt](err); !ok || got != code {
		t.Fatalf("exit code %d, want %d: %v", got, code, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %v", text, err)
		}
	}
}
