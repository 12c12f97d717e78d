package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// prunes is an `outbox` section that deletes what is confirmed.
const prunes = "outbox: {topic: 'PREFIX.{aggregatetype}', prune: {every: 50ms, batch: 10}}\n"

// noteDeletions keeps what is deleted, one line for each statement.
const noteDeletions = `CREATE TABLE gone (ids uuid[]);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.gone SELECT array_agg(id) FROM old; RETURN NULL; END';
	CREATE TRIGGER note AFTER DELETE ON outbox REFERENCING OLD TABLE AS old FOR EACH STATEMENT EXECUTE FUNCTION note()`

// texts is what a query gives.
func (b *bench) texts(t *testing.T, query string) []string {
	t.Helper()
	var all []string
	if err := b.db.Conn.QueryRow(t.Context(), "SELECT coalesce(array_agg(x::text), '{}') FROM ("+query+") AS q (x)").Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// asks waits until the relay waits for the slot with a batch in hand.
func (b *bench) asks(t *testing.T) {
	t.Helper()
	b.until(t, "a batch to wait for the slot", func() bool {
		return len(b.texts(t, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE '%bool_or(confirmed_flush_lsn%' AND pid <> pg_backend_pid()")) > 0
	})
}

// With Kafka away nothing is deleted, and when it is back all is, in batches; what
// was deleted at any time is in Kafka, though the relay is killed.
func TestPruneDeletesWhatKafkaHas(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	db := stack.Database(t)
	db.Exec(t, relaytest.OutboxDDL, noteDeletions)
	b := newBenchOn(t, db, k, prunes)
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 0))
	b.until(t, "the first row to be deleted", func() bool { return len(b.texts(t, "SELECT id FROM outbox")) == 0 })

	for round := range 3 {
		if err := k.Brokers()[0].Pause(); err != nil {
			t.Fatal(err)
		}
		b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'order', 'k', 'Created', jsonb_build_object('n', i) FROM generate_series(1, 25) i`)
		b.asks(t)
		if n := len(b.texts(t, "SELECT id FROM outbox")); n != 25 {
			t.Errorf("round %d: %d of 25 rows are left, and Kafka has none", round, n)
		}
		if round == 2 {
			break
		}
		if err := k.Brokers()[0].Resume(); err != nil {
			t.Fatal(err)
		}
		b.until(t, "all rows to be deleted", func() bool { return len(b.texts(t, "SELECT id FROM outbox")) == 0 })
	}
	b.kill(t)
	if err := k.Brokers()[0].Resume(); err != nil {
		t.Fatal(err)
	}
	gone := b.texts(t, "SELECT unnest(ids) FROM gone")
	if batches := b.texts(t, "SELECT cardinality(ids) FROM gone"); len(gone) != 51 || !slices.Equal(batches, []string{"1", "10", "10", "5", "10", "10", "5"}) {
		t.Errorf("%d rows deleted in batches of %v", len(gone), batches)
	}
	var published []string
	for _, r := range b.consume(t, b.topic, 51) {
		published = append(published, header(r, "id"))
	}
	for _, id := range gone {
		if !slices.Contains(published, id) {
			t.Errorf("row %s is deleted and not in Kafka", id)
		}
	}
	if n := b.seen.pruned.Load(); n != 51 {
		t.Errorf("%d rows counted", n)
	}
}

// kill ends the relay at once.
func (b *bench) kill(t *testing.T) {
	t.Helper()
	b.run.Cancel()
	if err := b.wait(t); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// Rows that are younger than `after` stay, in a partitioned table too.
func TestPruneKeepsYoungRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, `CREATE TABLE outbox (id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at);
		CREATE TABLE outbox_old PARTITION OF outbox FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
		CREATE TABLE outbox_new PARTITION OF outbox FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)`,
		"outbox: {topic: 'PREFIX.{aggregatetype}', prune: {every: 50ms, after: 1h, time_column: created_at, batch: 1}}\n")
	b.start(t)
	b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, payload, created_at) SELECT 'order', 'k', to_jsonb(i), CASE
		WHEN i < 3 THEN '2019-01-01' WHEN i < 5 THEN now() - interval '2 hours' ELSE now() END FROM generate_series(1, 6) i`)
	b.until(t, "the old rows to be deleted", func() bool {
		return slices.Equal(b.texts(t, "SELECT payload FROM outbox ORDER BY 1"), []string{"5", "6"})
	})
	b.until(t, "another round", func() bool { return b.seen.pruned.Load() == 4 })
}

// Partitions that are wholly old are dropped once they are confirmed, and only the
// default one's rows are deleted.
func TestPruneDropsPartitions(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	db := stack.Database(t)
	db.Exec(t, `CREATE TABLE outbox (id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at)`,
		"CREATE TABLE outbox_2018 PARTITION OF outbox FOR VALUES FROM ('2018-01-01') TO ('2019-01-01')",
		"CREATE TABLE outbox_2019 PARTITION OF outbox FOR VALUES FROM ('2019-01-01') TO ('2020-01-01')",
		"CREATE TABLE outbox_new PARTITION OF outbox FOR VALUES FROM ('2020-01-01') TO ('2999-01-01')",
		"CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT")
	b := newBenchOn(t, db, k, "outbox: {topic: 'PREFIX.{aggregatetype}', prune: {every: 50ms, after: 1h, time_column: created_at, drop_partitions: true}}\n")
	if err := k.Brokers()[0].Pause(); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	const partitions = "SELECT relid FROM pg_partition_tree('outbox') WHERE isleaf ORDER BY relid::text"
	b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, payload, created_at) SELECT 'order', 'k', to_jsonb(i),
		('{2017-01-01, 2018-05-05, 2019-05-05, 2021-01-01}'::timestamptz[])[i] FROM generate_series(1, 4) i`)
	b.asks(t)
	if left := b.texts(t, partitions); len(left) != 4 {
		t.Errorf("%v are left, and Kafka has nothing of them", left)
	}
	if err := k.Brokers()[0].Resume(); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the old partitions to be dropped", func() bool { return slices.Equal(b.texts(t, partitions), []string{"outbox_new", "outbox_rest"}) })
	b.until(t, "the default one's row to be deleted", func() bool { return slices.Equal(b.texts(t, "SELECT payload FROM outbox"), []string{"4"}) })
	b.consume(t, b.topic, 4)
}

// A transaction that is open while others are confirmed keeps its rows until it is
// published itself, and a row in the place of one that is gone is another row.
func TestPruneLeavesWhatIsOpen(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, prunes)
	b.start(t)
	other, err := b.db.Server.Connect(t.Context(), b.db.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), relaytest.Insert("k", 1)); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		b.db.Exec(t, relaytest.Insert("k", n))
	}
	b.until(t, "what has committed to be deleted", func() bool { return b.seen.pruned.Load() == 20 })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the last row to be deleted", func() bool { return b.seen.pruned.Load() == 21 })
	b.consume(t, b.topic, 21)
}

// Rows that Postgres skips, and the slot passes, stay for recover.
func TestPruneLeavesWhatIsSkipped(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, prunes)
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1))
	b.until(t, "the published row to be deleted", func() bool { return b.seen.pruned.Load() == 1 })
	b.db.Exec(t, "BEGIN", "ALTER PUBLICATION "+b.cfg.Postgres.Publication+" DROP TABLE outbox", relaytest.Insert("k", 2), "COMMIT")
	halt, ok := errors.AsType[*status.Halt](b.wait(t))
	if !ok || halt.Reason != "rows are being skipped" {
		t.Errorf("%+v", halt)
	}
	if n := len(b.texts(t, "SELECT id FROM outbox")); n != 1 {
		t.Errorf("%d rows are left, and 1 was skipped", n)
	}
}

// Without the right to delete the relay goes on, and says so until it has it.
func TestPruneWithoutTheRight(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, prunes)
	role := stack.Name(t)
	b.db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "GRANT SELECT ON outbox TO "+role,
		"CREATE PUBLICATION "+b.cfg.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+b.cfg.Postgres.Slot+"', 'pgoutput')")
	t.Cleanup(func() {
		if err := b.db.Server.Exec(context.WithoutCancel(t.Context()), b.db.Name, "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	owner := b.db.URL
	b.db.URL = b.db.Server.URLFor(role, "", b.db.Name)
	b.configure(t, strings.TrimSuffix(b.topic, ".order"), prunes)
	b.db.URL = owner
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1))
	said := func() bool {
		for _, c := range b.relay.Report("").Conditions {
			if c.Name == status.ConditionPrune && strings.Contains(c.Hint, "permission denied") {
				return true
			}
		}
		return false
	}
	b.until(t, "the condition", said)
	b.db.Exec(t, relaytest.Insert("k", 2))
	b.confirmed(t)
	b.db.Exec(t, fmt.Sprintf("GRANT DELETE ON outbox TO %s", role))
	b.until(t, "the rows to be deleted", func() bool { return b.seen.pruned.Load() == 2 && !said() })
}

// A relay that stands by deletes nothing, whatever the other has confirmed.
func TestStandbyDoesNotPrune(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL)
	b.start(t)
	second := &bench{db: b.db, kafka: b.kafka, topic: b.topic}
	second.configure(t, strings.TrimSuffix(b.topic, ".order"), prunes)
	second.launch(t)
	second.until(t, "standby", func() bool { return second.relay.Status().State == status.Standby })
	b.db.Exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	if n := second.seen.pruned.Load(); n != 0 || len(b.texts(t, "SELECT id FROM outbox")) != 1 {
		t.Errorf("%d rows deleted", n)
	}
	if err := b.end(t); err != nil {
		t.Fatal(err)
	}
	second.until(t, "the second to stream, and to delete", func() bool { return second.seen.pruned.Load() == 1 })
}

// Rows that were in the table before it was published, or in a partition before it
// was attached, were not in the stream: pruning leaves them alone and names them, also
// where they fill the head of the table. What was in the stream goes.
func TestRow79_PruneLeavesWhatWasNotInTheStream(t *testing.T) {
	t.Parallel()
	for name, ddl := range map[string]string{"plain": relaytest.OutboxDDL, "partitioned": partitionedDDL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, ddl, prunes)
			b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'order', 'before', 'Created', to_jsonb(i) FROM generate_series(1, 25) i`)
			stays := 25
			b.start(t)
			b.db.Exec(t, relaytest.Insert("k", 0))
			b.until(t, "the row to be deleted", func() bool { return b.seen.pruned.Load() == 1 })
			if name == "partitioned" {
				b.db.Exec(t, "CREATE TABLE outbox_a (LIKE outbox INCLUDING ALL)",
					"INSERT INTO outbox_a (aggregatetype, aggregateid, payload) SELECT 'order', 'a', to_jsonb(i) FROM generate_series(1, 5) i",
					"BEGIN; CREATE TABLE outbox_b (LIKE outbox INCLUDING ALL); INSERT INTO outbox_b (aggregatetype, aggregateid, payload) VALUES ('order', 'b', '1');"+
						" ALTER TABLE outbox ATTACH PARTITION outbox_b FOR VALUES IN ('b'); INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('order', 'b', '2'); COMMIT",
					"ALTER TABLE outbox ATTACH PARTITION outbox_a FOR VALUES IN ('a')")
				stays += 6 // the second row of outbox_b was inserted into the outbox
			}
			b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'order', (ARRAY['a', 'k'])[i % 2 + 1], 'Created', to_jsonb(i) FROM generate_series(1, 35) i`)
			want := int64(36)
			if name == "partitioned" {
				want++
			}
			b.until(t, "what was in the stream to be deleted", func() bool { return b.seen.pruned.Load() == want })
			b.until(t, "the condition", func() bool {
				for _, c := range b.relay.Report("").Conditions {
					if c.Name == status.ConditionUncarried && strings.Contains(c.Hint, "25 rows of ") {
						return true
					}
				}
				return false
			})
			if n := len(b.texts(t, "SELECT id FROM outbox")); n != stays {
				t.Errorf("%d rows are left, want the %d that Kafka does not have", n, stays)
			}
			b.consume(t, b.topic, int(want))
		})
	}
}

// A partition with rows that were not in the stream is not dropped, and those behind it are.
func TestRow79_PruneDropsNoPartitionThatWasNotInTheStream(t *testing.T) {
	t.Parallel()
	b := newBench(t, `CREATE TABLE outbox (id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at);
		CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT`,
		"outbox: {topic: 'PREFIX.{aggregatetype}', prune: {every: 50ms, after: 1h, time_column: created_at, drop_partitions: true}}\n")
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	b.db.Exec(t, "CREATE TABLE outbox_2018 (LIKE outbox INCLUDING ALL)",
		"INSERT INTO outbox_2018 (aggregatetype, aggregateid, payload, created_at) VALUES ('order', 'a', '1', '2018-05-05')",
		"ALTER TABLE outbox ATTACH PARTITION outbox_2018 FOR VALUES FROM ('2018-01-01') TO ('2019-01-01')",
		"CREATE TABLE outbox_2019 PARTITION OF outbox FOR VALUES FROM ('2019-01-01') TO ('2020-01-01')",
		"INSERT INTO outbox (aggregatetype, aggregateid, payload, created_at) VALUES ('order', 'k', '2', '2019-05-05')")
	b.until(t, "the partition behind it to be dropped", func() bool {
		return len(b.texts(t, "SELECT to_regclass('outbox_2019') WHERE to_regclass('outbox_2019') IS NOT NULL")) == 0
	})
	b.until(t, "the condition", func() bool {
		return slices.ContainsFunc(b.relay.Report("").Conditions, func(c status.Condition) bool {
			return c.Name == status.ConditionUncarried && strings.Contains(c.Hint, "1 rows of public.outbox_2018")
		})
	})
	if n := len(b.texts(t, "SELECT id FROM outbox_2018")); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}
