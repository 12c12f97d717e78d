package recover_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A slot that is lost, dropped or advanced is replaced on servers of the oldest and the
// newest grammar and of 15, while writers are at work: nothing is missing afterwards.
func TestRecoverMajors(t *testing.T) {
	t.Parallel()
	for _, major := range []int{14, 15, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{
				Major: major, Settings: map[string]string{"max_slot_wal_keep_size": "16MB"},
			})
			for name, breaks := range map[string]func(*recovertest.Fixture, testing.TB){
				"lost": loseSlot, "dropped": (*recovertest.Fixture).DropSlot, "advanced": advanceSlot,
			} {
				t.Run(name, func(t *testing.T) {
					name := stack.Name(t)
					if err := server.CreateDatabase(t.Context(), name); err != nil {
						t.Fatal(err)
					}
					testRecover(t, recovertest.NewOn(t, &stack, devstacktest.DatabaseOn(t, server, name)), breaks)
				})
			}
		})
	}
}

func loseSlot(f *recovertest.Fixture, t testing.TB) {
	t.Helper()
	for range 3 {
		f.Exec(t, "CREATE TABLE IF NOT EXISTS noise (x int)", "INSERT INTO noise VALUES (1)", "SELECT pg_switch_wal()")
	}
	f.Exec(t, "CHECKPOINT")
	if status := devstacktest.Value[string](t, f.DB.Conn,
		"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '"+f.Config.Postgres.Slot+"'"); status != "lost" {
		t.Fatalf("the slot is %s", status)
	}
	f.HaltsAtStart(t)
}

func advanceSlot(f *recovertest.Fixture, t testing.TB) {
	t.Helper()
	f.Exec(t, "SELECT pg_replication_slot_advance('"+f.Config.Postgres.Slot+"', pg_current_wal_lsn())")
}

// testRecover publishes some, breaks the slot with others unpublished, recovers
// while writers write, and judges what run makes of it.
func testRecover(t *testing.T, f *recovertest.Fixture, breaks func(*recovertest.Fixture, testing.TB)) {
	t.Helper()
	f.Start(t)
	f.Exec(t, recovertest.Fill("a", 1, 3000), relaytest.Insert("b", 1))
	f.Confirmed(t)
	if err := f.End(t); err != nil {
		t.Fatal(err)
	}
	f.Released(t)
	f.Exec(t, recovertest.Fill("a", 3001, 4000), relaytest.Insert("b", 2))
	breaks(f, t)

	stop := f.Write(t)
	result := f.Recover(t, recover.Selection{All: true}, true)
	stop()
	if result.Rows < 4002 || devstacktest.Value[int](t, f.DB.Conn, "SELECT count(*) FROM outbox") == int(result.Rows) {
		t.Errorf("%d rows recovered", result.Rows)
	}
	if got, want := f.Slots(t), f.Config.Postgres.Slot+" "+result.StreamsFrom; got != want {
		t.Errorf("slots %s, want %s", got, want)
	}
	f.Deliver(t)
	if report := f.Exact(t); report.Repeats != 3001 {
		t.Errorf("%d repeats, want those published before, 3001: %v", report.Repeats, report)
	}
	positionsRise(t, f)
}

// positionsRise checks that positions rise in every partition.
func positionsRise(t *testing.T, f *recovertest.Fixture) {
	t.Helper()
	records, err := stack.Kafka(t).Records(t.Context(), f.Topic)
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
	f := recovertest.New(t, &stack, nil)
	f.StampNow = true // the topic keeps nothing as old as these rows
	f.Exec(t, "ALTER TABLE outbox DROP COLUMN id", "ALTER TABLE outbox ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
	f.Exec(t, recovertest.Fill("a", 1, 10), "UPDATE outbox SET created = '2026-01-01T00:00:00Z'", recovertest.Fill("a", 11, 20))
	for _, c := range []struct {
		rows recover.Selection
		want int64
	}{
		{recover.Selection{Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, 20},
		{recover.Selection{Since: time.Date(2026, 1, 1, 0, 0, 0, 1e6, time.UTC)}, 10},
		{recover.Selection{AfterID: "13"}, 7},
		{recover.Selection{All: true}, 20},
	} {
		result := f.Recover(t, c.rows, true)
		if result.Rows != c.want {
			t.Errorf("%v: %d rows, want %d", c.rows, result.Rows, c.want)
		}
	}
	f.Deliver(t) // 11 to 20 were updated by nobody: the publication was made by the first recovery
	if report := f.Exact(t); report.Records != 57 {
		t.Errorf("%v", report)
	}
	for _, rows := range []recover.Selection{
		{}, {All: true, AfterID: "1"}, {AfterID: "x"}, {Since: time.Now(), TimeColumn: "payload"}, {All: true, TimeColumn: "no"},
	} {
		_, _, err := f.Open(t, rows, true)
		recovertest.WantHalt(t, err, status.ExitUsage)
	}
}

func TestRecoverPlanChangesNothing(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, configtest.Keys{"outbox": configtest.Keys{"topic": relaytest.Prefix + ".{aggregatetype}"}})
	f.Exec(t, recovertest.Fill("a", 1, 10))
	_, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Found != "does not exist" || !plan.CreatePublication || plan.Rows != 10 || len(plan.Topics) != 1 ||
		plan.Topics[0] != (outboxtable.TopicRows{Topic: f.Topic + ".order", Rows: 10}) || len(plan.Warnings) != 1 {
		t.Errorf("%+v", plan)
	}
	if f.Slots(t) != "" || devstacktest.Value[int](t, f.DB.Conn, "SELECT count(*) FROM pg_publication") != 0 {
		t.Error("the plan has changed something")
	}
	_, _, err = f.Open(t, recover.Selection{All: true}, false) // the first still holds the lock
	recovertest.WantHalt(t, err, status.ExitRequirement, "another recovery", "backend")
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.Start(t)
	devstacktest.Await(t, "the slot to be active", func() bool {
		return devstacktest.Value[int](t, f.DB.Conn,
			"SELECT count(*) FROM pg_replication_slots WHERE active AND slot_name = '"+f.Config.Postgres.Slot+"'") == 1
	})
	pid := devstacktest.Value[int](t, f.DB.Conn,
		"SELECT active_pid FROM pg_replication_slots WHERE slot_name = '"+f.Config.Postgres.Slot+"'")
	all := recover.Selection{All: true}
	_, _, err := f.Open(t, all, true)
	recovertest.WantHalt(t, err, status.ExitRequirement, fmt.Sprintf("in use by backend %d", pid))
	if err := f.End(t); err != nil {
		t.Fatal(err)
	}
	f.Released(t)
	_, _, err = f.Open(t, all, false)
	recovertest.WantHalt(t, err, status.ExitRequirement, "is healthy", "--force")

	f.DropSlot(t)
	f.Exec(t, "DROP PUBLICATION "+f.Config.Postgres.Publication,
		"CREATE PUBLICATION "+f.Config.Postgres.Publication+" FOR TABLE outbox WHERE (aggregateid = 'a')")
	_, _, err = f.Open(t, all, false)
	recovertest.WantHalt(t, err, status.ExitHalted, "row filter")
}

func TestRecoverNeedsSelect(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	role := stack.Name(t)
	f.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "CREATE PUBLICATION walpost_"+f.Config.Name+" FOR TABLE outbox")
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := f.DB.Server.Exec(ctx, f.DB.Name, "DROP OWNED BY "+role, "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	f.Configure(t, configtest.Keys{"postgres.url": f.DB.Server.URLFor(role, "", f.DB.Name)})
	_, _, err := f.Open(t, recover.Selection{All: true}, false)
	recovertest.WantHalt(t, err, status.ExitRequirement, "GRANT SELECT ON", role)
	f.Exec(t, "GRANT SELECT ON outbox TO "+role, relaytest.Insert("a", 1))
}

func TestRecoverFollowsThePolicy(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(relaytest.Insert("a", 2), "'order'", "'no/topic'", 1)
	f := recovertest.New(t, &stack, configtest.Keys{"outbox.topic": "{aggregatetype}"})
	f.Exec(t, strings.ReplaceAll(relaytest.Insert("a", 1), "'order'", "'"+f.Topic+"'"), bad)
	r, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(recover.Stage, recover.Result) {})
	recovertest.WantHalt(t, err, status.ExitHalted, "no/topic",
		devstacktest.Value[string](t, f.DB.Conn, "SELECT id::text FROM outbox WHERE aggregatetype = 'no/topic'"))
	if f.Slots(t) != "" {
		t.Errorf("slots %s", f.Slots(t))
	}
	r.Close(t.Context())
	dead := stack.Topic(t, 1)
	f.Configure(t, configtest.Keys{"delivery.on_reject": "dead_letter", "delivery.dead_letter": dead})
	if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != 2 || result.DeadLetters != 1 {
		t.Errorf("%+v", result)
	}
	records, err := stack.Kafka(t).Records(t.Context(), dead)
	if err != nil || len(records) != 1 {
		t.Errorf("%d dead letters, %v", len(records), err)
	}
}
