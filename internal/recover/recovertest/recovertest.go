// Package recovertest has what the tests of recover, audit and replay share: a relay on
// real servers whose rows have a time, and a topic for all of them.
package recovertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

const outboxDDL = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
	aggregateid text, type text, payload jsonb, created timestamptz NOT NULL DEFAULT clock_timestamp())`

// Fixture is a relay with a database, an outbox, a topic of three partitions and a
// configuration.
type Fixture struct {
	*relaytest.Harness

	StampNow bool // recoveries give the time of publishing
	First    bool // recoveries are first starts that publish what the table has
}

// New makes a fixture whose configuration has these keys beside, or instead of, the usual
// ones: outbox.topic, outbox.timestamp and outbox.position_header.
func New(t testing.TB, stack *devstacktest.Stack, keys configtest.Keys) *Fixture {
	t.Helper()
	return newFixture(t, stack, devstacktest.Database{}, keys)
}

// NewOn makes a fixture in a database that is there, on a server that the test may break.
func NewOn(t testing.TB, stack *devstacktest.Stack, db devstacktest.Database) *Fixture {
	t.Helper()
	return newFixture(t, stack, db, nil)
}

func newFixture(t testing.TB, stack *devstacktest.Stack, db devstacktest.Database, keys configtest.Keys) *Fixture {
	t.Helper()
	usual := configtest.Keys{"outbox.topic": relaytest.Prefix, "outbox.timestamp": "created", "outbox.position_header": "walpost-position"}
	return &Fixture{Harness: relaytest.New(t, stack, relaytest.Options{
		DB: db, DDL: outboxDDL, Topic: relaytest.Prefix, Partitions: 3, Keys: usual.With(keys),
	})}
}

// Formats are the keys of records that are JSON all over.
func Formats() configtest.Keys {
	return configtest.Keys{
		"outbox.format.key": "json_schema", "outbox.format.value": "json_schema", "outbox.format.headers": "json",
		"outbox.format.expand_json": true, "outbox.format.envelope": []any{"type", map[string]any{"created": "at"}},
		"outbox.format.topic_prefix": "shop",
	}
}

// FillVaried inserts events of several keys and none, with payloads of several forms and none.
const FillVaried = `INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
	SELECT 'order', CASE WHEN n % 5 > 0 THEN 'k' || n END, CASE WHEN n % 7 > 0 THEN 'é"' || n END, p::jsonb
	FROM generate_series(1, 35) n, unnest(ARRAY['{"n": 1e2, "a": [{"b": null, "c": "ü"}]}', '[1]', '"text"', '3.0', NULL]) p`

// Fill inserts many events of one key in one transaction.
func Fill(key string, from, to int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', '%s', 'Created', jsonb_build_object('n', n) FROM generate_series(%d, %d) n`, key, from, to)
}

// Deliver runs the relay until everything committed so far is confirmed, and stops it.
func (f *Fixture) Deliver(t testing.TB) {
	t.Helper()
	f.Launch(t)
	f.Confirmed(t)
	if err := f.End(t); err != nil {
		t.Fatal(err)
	}
	f.Released(t)
}

// DeliverFirst makes slot and publication by a recovery, and delivers the first 1000
// events.
func (f *Fixture) DeliverFirst(t testing.TB) {
	t.Helper()
	f.Recover(t, recover.Selection{All: true}, false)
	f.Exec(t, Fill("a", 1, 1000))
	f.Deliver(t)
}

// DropSlot drops the slot, and sees the relay halt for it.
func (f *Fixture) DropSlot(t testing.TB) {
	t.Helper()
	f.Exec(t, "SELECT pg_drop_replication_slot('"+f.Config.Postgres.Slot+"')")
	f.HaltsAtStart(t)
}

// HaltsAtStart runs a relay that must halt at its start.
func (f *Fixture) HaltsAtStart(t testing.TB) {
	t.Helper()
	f.Launch(t)
	if err := f.Wait(t); status.ExitCode(err) != status.ExitHalted {
		t.Fatalf("the relay ended with %v", err)
	}
}

// Slots returns the slots of the relay and what is confirmed of each.
func (f *Fixture) Slots(t testing.TB) string {
	t.Helper()
	return devstacktest.Value[string](t, f.DB.Conn,
		"SELECT coalesce(string_agg(slot_name || ' ' || confirmed_flush_lsn, ', ' ORDER BY slot_name), '')"+
			" FROM pg_replication_slots WHERE slot_name LIKE '"+f.Config.Postgres.Slot+"%'")
}

// Open opens a recovery and makes its plan.
func (f *Fixture) Open(t testing.TB, rows recover.Selection, force bool) (*recover.Recovery, *recover.Plan, error) {
	t.Helper()
	r, err := recover.Open(t.Context(), recover.Options{
		Config: f.Config, Rows: rows, First: f.First, Force: force, StampNow: f.StampNow, Log: Logger(t),
	})
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

// Recover runs a recovery and returns what it did.
func (f *Fixture) Recover(t testing.TB, rows recover.Selection, force bool) recover.Result {
	t.Helper()
	r, plan, err := f.Open(t, rows, force)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	result, err := r.Run(t.Context(), plan, func(recover.Stage, recover.Result) {})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Write writes events in transactions of all lengths until it is told to stop; it returns
// when the first are committed.
func (f *Fixture) Write(t testing.TB) (stop func()) {
	t.Helper()
	var over atomic.Bool
	var writers sync.WaitGroup
	begun := make(chan struct{}, 3)
	for w := range 3 {
		conn, err := f.DB.Server.Connect(t.Context(), f.DB.Name)
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			defer func() { _ = conn.Close(t.Context()) }()
			for n := 1; !over.Load(); n += 2 {
				key := fmt.Sprintf("w%d", w)
				sql := "BEGIN; " + relaytest.Insert(key, n) + "; SELECT pg_sleep(0.00" + strconv.Itoa(n*7%10) + "); " +
					relaytest.Insert(key, n+1) + "; COMMIT"
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Error(err)
				}
				if n == 1 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 3 {
		<-begun
	}
	return func() {
		over.Store(true)
		writers.Wait()
	}
}

// Logger returns what logs warnings to the test.
func Logger(t testing.TB) *zap.Logger { return zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)) }

// WantHalt checks the exit code and the words of an error.
func WantHalt(t testing.TB, err error, code int, texts ...string) {
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

// Allocated returns how many bytes the process has allocated, ever.
func Allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
