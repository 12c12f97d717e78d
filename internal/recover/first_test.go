package recover_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// firstStart is a fixture whose recoveries are first starts.
func firstStart(f *recovertest.Fixture) *recovertest.Fixture {
	f.First = true
	return f
}

// A first start publishes what the table has while writers write, on servers of the oldest
// and the newest grammar: each row once, by it or by the stream, and in order. Some rows
// commit before the slot's consistent point, some behind it, and some while it is found.
func TestFirstStartPublishesTheTable(t *testing.T) {
	t.Parallel()
	for _, major := range []int{14, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			const name = "first"
			if err := server.CreateDatabase(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			f := firstStart(recovertest.NewOn(t, &stack, devstacktest.DatabaseOn(t, server, name)))
			f.Configure(t, configtest.Keys{"postgres.failover": major >= 17})
			f.Exec(t, recovertest.Fill("a", 1, 5000))
			before := begin(t, f, relaytest.Insert("before", 1))
			stop := f.Write(t)
			started := make(chan recover.Result, 1)
			go func() { started <- f.Recover(t, recover.Selection{All: true}, false) }()
			awaitMaking(t, f)
			f.Exec(t, relaytest.Insert("meanwhile", 1), "DELETE FROM outbox WHERE aggregateid = 'none'")
			meanwhile := begin(t, f, relaytest.Insert("open", 1))
			commit(t, before)
			f.Exec(t, relaytest.Insert("before", 2))
			commit(t, meanwhile)
			f.Exec(t, relaytest.Insert("open", 2))
			result := devstacktest.Receive(t, "the first start", started)
			stop()
			if result.Rows < 5002 {
				t.Errorf("%+v", result)
			}
			if got, want := f.Slots(t), f.Config.Postgres.Slot+" "+result.StreamsFrom; got != want {
				t.Errorf("slots %s, want %s", got, want)
			}
			if major >= 17 && !devstacktest.Value[bool](t, f.DB.Conn, "SELECT failover FROM pg_replication_slots") {
				t.Error("no failover slot")
			}
			f.Deliver(t)
			if report := f.Exact(t); report.Repeats != 0 || report.Records == int(result.Rows) {
				t.Errorf("of %d rows published: %v", result.Rows, report)
			}
			positionsRise(t, f)
		})
	}
}

// begin writes in a transaction that stays open.
func begin(t *testing.T, f *recovertest.Fixture, sql string) *pgx.Conn {
	t.Helper()
	conn := devstacktest.Connect(t, f.DB.Server, f.DB.Name)
	devstacktest.Database{Conn: conn}.Exec(t, "BEGIN", sql)
	return conn
}

func commit(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	devstacktest.Database{Conn: conn}.Exec(t, "COMMIT")
}

// awaitMaking waits until the server looks for the consistent point of the new slot.
func awaitMaking(t *testing.T, f *recovertest.Fixture) {
	t.Helper()
	devstacktest.Await(t, "the slot to be made", func() bool {
		return devstacktest.Value[bool](t, f.DB.Conn, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)",
			recover.TemporaryName(f.Config.Postgres.Slot))
	})
}

// Whenever a first start is killed, no relay starts before another one was through, and
// nothing is lost. Once the slot has its name nothing is published again.
func TestFirstStartKilledAtEachStage(t *testing.T) {
	t.Parallel()
	for stage, name := range map[recover.Stage]string{
		recover.Begun: "before the slot", recover.Created: "after the slot", recover.Publishing: "while publishing",
		recover.Published: "all published", recover.Dropped: "before the copy", recover.Copied: "after the copy",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := firstStart(recovertest.New(t, &stack, nil))
			f.Exec(t, recovertest.Fill("a", 1, 3000))
			kill(t, f, stage)
			f.Exec(t, recovertest.Fill("a", 3001, 3500))
			f.Launch(t)
			recovertest.WantHalt(t, f.Wait(t), status.ExitRequirement, "walpost init --publish-existing -c FILE")
			result := f.Recover(t, recover.Selection{All: true}, false)
			wantRows, wantRepeats := int64(3500), 0
			switch {
			case stage == recover.Copied:
				wantRows = 0
			case stage >= recover.Published:
				wantRepeats = 3000
			case stage == recover.Publishing:
				wantRepeats = -1 // some of those that the killed one published
			}
			if result.Rows != wantRows {
				t.Errorf("%+v, want %d rows", result, wantRows)
			}
			if got := f.Slots(t); strings.Contains(got, recover.TemporaryName(f.Config.Postgres.Slot)) {
				t.Errorf("slots %s", got)
			}
			f.Deliver(t)
			if report := f.Exact(t); wantRepeats >= 0 && report.Repeats != wantRepeats {
				t.Errorf("%d repeats, want %d: %v", report.Repeats, wantRepeats, report)
			}
		})
	}
}

// A Kafka that goes in the middle is waited for, and nothing comes twice. A Postgres that
// goes ends the first start, and the next one begins anew.
func TestFirstStartOutlivesKafkaAndBeginsAnewAfterPostgres(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true})
	f := firstStart(recovertest.New(t, &stack, nil))
	f.UseKafka(t, k, devstack.Proxied, 1)
	f.Exec(t, recovertest.Fill("a", 1, 3500))

	r, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	chunks := 0
	if _, err = r.Run(t.Context(), plan, func(s recover.Stage, _ recover.Result) {
		if s != recover.Publishing {
			return
		}
		if chunks++; chunks == 2 {
			f.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name LIKE 'walpost%' AND datname = current_database() AND state LIKE 'idle in transaction%'`)
		}
	}); err == nil {
		t.Fatal("a first start without its snapshot came to an end")
	}
	r.Close(t.Context())
	if f.Slots(t) != "" {
		t.Errorf("slots %s", f.Slots(t))
	}
	f.Launch(t)
	recovertest.WantHalt(t, f.Wait(t), status.ExitRequirement, "--publish-existing")
	records, err := k.Records(t.Context(), f.Topic)
	if err != nil {
		t.Fatal(err)
	}

	proxy := k.Brokers()[0].Proxy()
	r, plan, err = f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	chunks = 0
	result, err := r.Run(t.Context(), plan, func(s recover.Stage, _ recover.Result) {
		if s != recover.Publishing {
			return
		}
		switch chunks++; chunks {
		case 1:
			proxy.Refuse()
		case 3:
			proxy.Heal()
		}
	})
	if err != nil || result.Acknowledged != 3500 {
		t.Errorf("%+v, %v", result, err)
	}
	f.Deliver(t)
	if report := f.Exact(t); report.Repeats != len(records) {
		t.Errorf("%v, want the %d records of the one that was ended again, and no other", report, len(records))
	}
}

// With exactly_once the position begins behind the rows that were published.
func TestFirstStartExactlyOnce(t *testing.T) {
	t.Parallel()
	f := firstStart(recovertest.New(t, &stack, configtest.Keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
		"kafka.topics.create": true, "kafka.topics.replication_factor": 1,
	}))
	f.Exec(t, recovertest.Fill("a", 1, 2000))
	stop := f.Write(t)
	f.Recover(t, recover.Selection{All: true}, false)
	stop()
	f.Deliver(t)
	relaytest.Once(t, f.DB.Conn, f.Kafka, f.Topic)
}

// The role needs no more than SELECT and REPLICATION where the owner made the publication. It
// cannot mark that publication, and no start passes the rows over all the same.
func TestFirstStartWithoutOwnership(t *testing.T) {
	t.Parallel()
	f := firstStart(recovertest.New(t, &stack, nil))
	role := stack.Name(t)
	f.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "CREATE PUBLICATION "+f.Config.Postgres.Publication+" FOR TABLE outbox",
		"GRANT SELECT ON outbox TO "+role, recovertest.Fill("a", 1, 1500))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := f.DB.Server.Exec(ctx, f.DB.Name, "DROP OWNED BY "+role, "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	f.Configure(t, configtest.Keys{"postgres.url": f.DB.Server.URLFor(role, "", f.DB.Name)})
	kill(t, f, recover.Publishing)
	f.HaltsAtStart(t)
	kill(t, f, recover.Copied)
	if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != 0 {
		t.Errorf("%+v", result)
	}
	if got := f.Slots(t); strings.Contains(got, ",") {
		t.Errorf("slots %s", got)
	}
	f.Deliver(t)
	f.Exact(t)
}

// A slot of the name that somebody makes while rows are published is not taken for the one
// behind them.
func TestFirstStartAndASlotOfSomebody(t *testing.T) {
	t.Parallel()
	f := firstStart(recovertest.New(t, &stack, nil))
	f.Exec(t, recovertest.Fill("a", 1, 10))
	r, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(s recover.Stage, _ recover.Result) {
		if s == recover.Published {
			f.Exec(t, "SELECT pg_create_logical_replication_slot('"+f.Config.Postgres.Slot+"', 'pgoutput')")
		}
	})
	recovertest.WantHalt(t, err, status.ExitHalted, "made by somebody else", "walpost drop")
	r.Close(t.Context())
	_, _, err = f.Open(t, recover.Selection{All: true}, false)
	recovertest.WantHalt(t, err, status.ExitHalted, "made by somebody else")
	f.Launch(t)
	recovertest.WantHalt(t, f.Wait(t), status.ExitRequirement, "--publish-existing")
}

// A comment that somebody gave the publication stays, and rows of partitions come in the
// order of the column that was chosen.
func TestFirstStartOrder(t *testing.T) {
	t.Parallel()
	f := firstStart(recovertest.New(t, &stack, nil))
	f.Exec(t, "DROP TABLE outbox", `CREATE TABLE outbox (id uuid DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text,
		type text, payload jsonb, created timestamptz DEFAULT now(), seq int) PARTITION BY HASH (id)`,
		"CREATE TABLE outbox_0 PARTITION OF outbox FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
		"CREATE TABLE outbox_1 PARTITION OF outbox FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
		"INSERT INTO outbox (aggregatetype, aggregateid, payload, seq) SELECT 'order', 'a', jsonb_build_object('n', n), n FROM "+
			"(SELECT n FROM generate_series(1, 2000) n ORDER BY random()) r",
		"CREATE PUBLICATION "+f.Config.Postgres.Publication+" FOR TABLE outbox WITH (publish_via_partition_root = true)",
		"COMMENT ON PUBLICATION "+f.Config.Postgres.Publication+" IS 'ours'")
	for order, words := range map[string]string{"payload2": "no column", "tableoid": "no column"} {
		_, _, err := f.Open(t, recover.Selection{All: true, Order: order}, false)
		recovertest.WantHalt(t, err, status.ExitUsage, words)
	}
	f.Exec(t, "ALTER TABLE outbox ADD COLUMN j json")
	_, _, err := f.Open(t, recover.Selection{All: true, Order: "j"}, false)
	recovertest.WantHalt(t, err, status.ExitUsage, "ordering operator")
	if result := f.Recover(t, recover.Selection{All: true, Order: "seq"}, false); result.Rows != 2000 {
		t.Errorf("%+v", result)
	}
	f.Deliver(t)
	if report := f.Exact(t); report.Repeats != 0 {
		t.Errorf("%v", report)
	}
	comment := devstacktest.Value[string](t, f.DB.Conn, "SELECT obj_description(oid, 'pg_publication') FROM pg_publication")
	if comment != "ours" {
		t.Errorf("the comment is %q", comment)
	}
}
