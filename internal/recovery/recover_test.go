package recovery_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/recovery"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// TestRecoverMajors does what facts/faults rows 43, 44 and 46 break, on servers
// of the oldest and the newest grammar and of 15, while writers are at work.
func TestRecoverMajors(t *testing.T) {
	t.Parallel()
	for _, major := range []int{14, 15, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major, Settings: map[string]string{"max_slot_wal_keep_size": "16MB"}})
			for name, breaks := range map[string]func(*testing.T, *fixture){"lost": loseSlot, "dropped": dropSlot, "advanced": advanceSlot} {
				t.Run(name, func(t *testing.T) {
					db := devstacktest.Database{Name: stack.Name(t), Server: server}
					db.URL = server.URL(db.Name)
					if err := server.CreateDatabase(t.Context(), db.Name); err != nil {
						t.Fatal(err)
					}
					var err error
					if db.Conn, err = server.Connect(t.Context(), db.Name); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = db.Conn.Close(context.WithoutCancel(t.Context())) })
					testRecover(t, newFixtureOn(t, db), breaks)
				})
			}
		})
	}
}

func loseSlot(t *testing.T, f *fixture) {
	t.Helper()
	for range 3 {
		f.db.Exec(t, "CREATE TABLE IF NOT EXISTS noise (x int)", "INSERT INTO noise VALUES (1)", "SELECT pg_switch_wal()")
	}
	f.db.Exec(t, "CHECKPOINT")
	if status := devstacktest.Value[string](t, f.db.Conn, "SELECT wal_status FROM pg_replication_slots WHERE slot_name = '"+f.cfg.Postgres.Slot+"'"); status != "lost" {
		t.Fatalf("the slot is %s", status)
	}
	f.halts(t)
}

func dropSlot(t *testing.T, f *fixture) {
	t.Helper()
	f.db.Exec(t, "SELECT pg_drop_replication_slot('"+f.cfg.Postgres.Slot+"')")
	f.halts(t)
}

func advanceSlot(t *testing.T, f *fixture) {
	t.Helper()
	f.db.Exec(t, "SELECT pg_replication_slot_advance('"+f.cfg.Postgres.Slot+"', pg_current_wal_lsn())")
}

// testRecover publishes some, breaks the slot with others unpublished, recovers
// while writers write, and judges what run makes of it.
func testRecover(t *testing.T, f *fixture, breaks func(*testing.T, *fixture)) {
	t.Helper()
	r := relaytest.Start(t, f.cfg)
	devstacktest.Await(t, "the relay to stream", func() bool { return r.Status().State == status.Streaming })
	f.db.Exec(t, fill("a", 1, 3000), relaytest.Insert("b", 1))
	f.confirmed(t)
	if err := r.End(t); err != nil {
		t.Fatal(err)
	}
	f.released(t)
	f.db.Exec(t, fill("a", 3001, 4000), relaytest.Insert("b", 2))
	breaks(t, f)

	stop := f.write(t)
	result := f.recover(t, recovery.Selection{All: true}, true)
	stop()
	if result.Rows < 4002 || devstacktest.Value[int](t, f.db.Conn, "SELECT count(*) FROM outbox") == int(result.Rows) {
		t.Errorf("%d rows recovered", result.Rows)
	}
	if got, want := f.slots(t), f.cfg.Postgres.Slot+" "+result.StreamsFrom; got != want {
		t.Errorf("slots %s, want %s", got, want)
	}
	f.relay(t)
	if report := f.exact(t); report.Repeats != 3001 {
		t.Errorf("%d repeats, want those published before, 3001: %v", report.Repeats, report)
	}
	f.positions(t)
}

// write writes events in transactions of all lengths until it is told to stop;
// it returns when the first are committed.
func (f *fixture) write(t *testing.T) (stop func()) {
	t.Helper()
	var over atomic.Bool
	var writers sync.WaitGroup
	begun := make(chan struct{}, 3)
	for w := range 3 {
		conn, err := f.db.Server.Connect(t.Context(), f.db.Name)
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			defer conn.Close(t.Context())
			for n := 1; !over.Load(); n += 2 {
				key := fmt.Sprintf("w%d", w)
				sql := "BEGIN; " + relaytest.Insert(key, n) + "; SELECT pg_sleep(0.00" + strconv.Itoa(n*7%10) + "); " + relaytest.Insert(key, n+1) + "; COMMIT"
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

// positions checks that positions rise in every partition.
func (f *fixture) positions(t *testing.T) {
	t.Helper()
	records, err := stack.Kafka(t).Records(t.Context(), f.topic)
	if err != nil {
		t.Fatal(err)
	}
	last := map[int32]string{}
	for _, r := range records {
		position := ""
		for _, h := range r.Headers {
			if string(h.Key) == "walpost-position" {
				position = string(h.Value)
			}
		}
		if position <= last[r.Partition] {
			t.Fatalf("partition %d: position %s after %s", r.Partition, position, last[r.Partition])
		}
		last[r.Partition] = position
	}
}

func TestRecoverSelectsRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.stampNow = true // the topic keeps nothing as old as these rows
	f.db.Exec(t, "ALTER TABLE outbox DROP COLUMN id", "ALTER TABLE outbox ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
	f.db.Exec(t, fill("a", 1, 10), "UPDATE outbox SET created = '2026-01-01T00:00:00Z'", fill("a", 11, 20))
	for _, c := range []struct {
		rows recovery.Selection
		want int64
	}{
		{recovery.Selection{Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, 20},
		{recovery.Selection{Since: time.Date(2026, 1, 1, 0, 0, 0, 1e6, time.UTC)}, 10},
		{recovery.Selection{AfterID: "13"}, 7},
		{recovery.Selection{All: true}, 20},
	} {
		result := f.recover(t, c.rows, true)
		if result.Rows != c.want {
			t.Errorf("%v: %d rows, want %d", c.rows, result.Rows, c.want)
		}
	}
	f.relay(t) // 11 to 20 were updated by nobody: the publication was made by the first recovery
	if report := f.exact(t); report.Records != 57 {
		t.Errorf("%v", report)
	}
	for _, rows := range []recovery.Selection{{}, {All: true, AfterID: "1"}, {AfterID: "x"}, {Since: time.Now(), TimeColumn: "payload"}, {All: true, TimeColumn: "no"}} {
		_, _, err := f.open(t, rows, true)
		wantHalt(t, err, status.ExitUsage)
	}
}

func TestRecoverPlanChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "outbox: {topic: 'TOPIC.{aggregatetype}'}")
	f.db.Exec(t, fill("a", 1, 10))
	_, plan, err := f.open(t, recovery.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Found != "does not exist" || !plan.CreatePublication || plan.Rows != 10 || len(plan.Topics) != 1 ||
		plan.Topics[0] != (recovery.TopicRows{Topic: f.topic + ".order", Rows: 10}) || len(plan.Warnings) != 1 {
		t.Errorf("%+v", plan)
	}
	if f.slots(t) != "" || devstacktest.Value[int](t, f.db.Conn, "SELECT count(*) FROM pg_publication") != 0 {
		t.Error("the plan has changed something")
	}
	_, _, err = f.open(t, recovery.Selection{All: true}, false) // the first still holds the lock
	wantHalt(t, err, status.ExitRequirement, "another recovery", "backend")
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := relaytest.Start(t, f.cfg)
	devstacktest.Await(t, "the relay to stream", func() bool { return r.Status().State == status.Streaming })
	devstacktest.Await(t, "the slot to be active", func() bool {
		return devstacktest.Value[int](t, f.db.Conn, "SELECT count(*) FROM pg_replication_slots WHERE active AND slot_name = '"+f.cfg.Postgres.Slot+"'") == 1
	})
	pid := devstacktest.Value[int](t, f.db.Conn, "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '"+f.cfg.Postgres.Slot+"'")
	all := recovery.Selection{All: true}
	_, _, err := f.open(t, all, true)
	wantHalt(t, err, status.ExitRequirement, fmt.Sprintf("in use by backend %d", pid))
	if err := r.End(t); err != nil {
		t.Fatal(err)
	}
	f.released(t)
	_, _, err = f.open(t, all, false)
	wantHalt(t, err, status.ExitRequirement, "is healthy", "--force")

	dropSlot(t, f)
	f.db.Exec(t, "DROP PUBLICATION "+f.cfg.Postgres.Publication, "CREATE PUBLICATION "+f.cfg.Postgres.Publication+" FOR TABLE outbox WHERE (aggregateid = 'a')")
	_, _, err = f.open(t, all, false)
	wantHalt(t, err, status.ExitHalted, "row filter")
}

func TestRecoverNeedsSelect(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	role := stack.Name(t)
	f.db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "CREATE PUBLICATION walpost_"+f.cfg.Name+" FOR TABLE outbox")
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := f.db.Server.Exec(ctx, f.db.Name, "DROP OWNED BY "+role, "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	f.configure(t, f.db.Server.URLFor(role, "", f.db.Name))
	_, _, err := f.open(t, recovery.Selection{All: true}, false)
	wantHalt(t, err, status.ExitRequirement, "GRANT SELECT ON", role)
	f.db.Exec(t, "GRANT SELECT ON outbox TO "+role, relaytest.Insert("a", 1))
}

func TestRecoverFollowsThePolicy(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(relaytest.Insert("a", 2), "'order'", "'no/topic'", 1)
	f := newFixture(t, "outbox: {topic: '{aggregatetype}', timestamp: created}")
	f.db.Exec(t, strings.ReplaceAll(relaytest.Insert("a", 1), "'order'", "'"+f.topic+"'"), bad)
	r, plan, err := f.open(t, recovery.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(recovery.Stage, recovery.Result) {})
	wantHalt(t, err, status.ExitHalted, "no/topic", devstacktest.Value[string](t, f.db.Conn, "SELECT id::text FROM outbox WHERE aggregatetype = 'no/topic'"))
	if f.slots(t) != "" {
		t.Errorf("slots %s", f.slots(t))
	}
	r.Close(t.Context())
	dead := stack.Topic(t, 1)
	f.configure(t, f.db.URL, "outbox: {topic: '{aggregatetype}', timestamp: created}\ndelivery: {on_reject: dead_letter, dead_letter: "+dead+"}")
	if result := f.recover(t, recovery.Selection{All: true}, false); result.Rows != 2 || result.DeadLetters != 1 {
		t.Errorf("%+v", result)
	}
	records, err := stack.Kafka(t).Records(t.Context(), dead)
	if err != nil || len(records) != 1 {
		t.Errorf("%d dead letters, %v", len(records), err)
	}
}
