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

// prunes deletes what is confirmed.
var prunes = keys{"outbox.prune.every": "50ms", "outbox.prune.batch": 10}

// prunesOld deletes what is confirmed and an hour old.
var prunesOld = keys{"outbox.prune.every": "50ms", "outbox.prune.after": "1h", "outbox.prune.time_column": "created_at"}

// noteDeletions keeps what is deleted, one line for each statement.
const noteDeletions = `CREATE TABLE gone (ids uuid[]);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
			INSERT INTO public.gone SELECT array_agg(id) FROM old; RETURN NULL; END';
	CREATE TRIGGER note AFTER DELETE ON outbox REFERENCING OLD TABLE AS old FOR EACH STATEMENT EXECUTE FUNCTION note()`

// texts is what a query gives.
func (h *harness) texts(t *testing.T, query string) []string {
	t.Helper()
	var all []string
	if err := h.DB.Conn.QueryRow(t.Context(), "SELECT coalesce(array_agg(x::text), '{}') FROM ("+query+
		") AS q (x)").Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// asks waits until the relay waits for the slot with a batch in hand.
func (h *harness) asks(t *testing.T) {
	t.Helper()
	h.Until(t, "a batch to wait for the slot", func() bool {
		return len(h.texts(t, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE "+
			"'%bool_or(confirmed_flush_lsn%' AND pid <> pg_backend_pid()")) > 0
	})
}

// With Kafka away nothing is deleted, and when it is back all is, in batches; what
// was deleted at any time is in Kafka, though the relay is killed.
func TestPruneDeletesWhatKafkaHas(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	h := newHarness(t, relaytest.Options{Kafka: k, Keys: prunes})
	h.Exec(t, noteDeletions)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 0))
	h.Until(t, "the first row to be deleted", func() bool { return len(h.texts(t, "SELECT id FROM outbox")) == 0 })

	for round := range 3 {
		if err := k.Brokers()[0].Pause(); err != nil {
			t.Fatal(err)
		}
		h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'order', 'k', 'Created', `+
			`jsonb_build_object('n', i) FROM generate_series(1, 25) i`)
		h.asks(t)
		if n := len(h.texts(t, "SELECT id FROM outbox")); n != 25 {
			t.Errorf("round %d: %d of 25 rows are left, and Kafka has none", round, n)
		}
		if round == 2 {
			break
		}
		if err := k.Brokers()[0].Resume(); err != nil {
			t.Fatal(err)
		}
		h.Until(t, "all rows to be deleted", func() bool { return len(h.texts(t, "SELECT id FROM outbox")) == 0 })
	}
	h.kill(t)
	if err := k.Brokers()[0].Resume(); err != nil {
		t.Fatal(err)
	}
	gone := h.texts(t, "SELECT unnest(ids) FROM gone")
	if batches := h.texts(t, "SELECT cardinality(ids) FROM gone"); len(gone) != 51 ||
		!slices.Equal(batches, []string{"1", "10", "10", "5", "10", "10", "5"}) {
		t.Errorf("%d rows deleted in batches of %v", len(gone), batches)
	}
	var published []string
	for _, r := range h.consume(t, h.Topic, 51) {
		published = append(published, header(r, "id"))
	}
	for _, id := range gone {
		if !slices.Contains(published, id) {
			t.Errorf("row %s is deleted and not in Kafka", id)
		}
	}
	if n := h.Seen.Deleted.Load(); n != 51 {
		t.Errorf("%d rows counted", n)
	}
}

// kill ends the relay at once.
func (h *harness) kill(t *testing.T) {
	t.Helper()
	h.Cancel()
	if err := h.Wait(t); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// Rows that are younger than `after` stay, in a partitioned table too.
func TestPruneKeepsYoungRows(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{
		DDL: `CREATE TABLE outbox (
		id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at);
		CREATE TABLE outbox_old PARTITION OF outbox FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
		CREATE TABLE outbox_new PARTITION OF outbox FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)`,
		Keys: prunesOld.With(keys{"outbox.prune.batch": 1}),
	})
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, payload, created_at) SELECT 'order', 'k', to_jsonb(i), CASE
		WHEN i < 3 THEN '2019-01-01' WHEN i < 5 THEN now() - interval '2 hours' ELSE now() END FROM generate_series(1, 6) i`)
	h.Until(t, "the old rows to be deleted", func() bool {
		return slices.Equal(h.texts(t, "SELECT payload FROM outbox ORDER BY 1"), []string{"5", "6"})
	})
	h.Until(t, "another round", func() bool { return h.Seen.Deleted.Load() == 4 })
}

// Partitions that are wholly old are dropped once they are confirmed, and only the
// default one's rows are deleted.
func TestPruneDropsPartitions(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	h := newHarness(t, relaytest.Options{
		Kafka: k, Keys: prunesOld.With(keys{"outbox.prune.drop_partitions": true}),
		DDL: `CREATE TABLE outbox (
		id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at);
		CREATE TABLE outbox_2018 PARTITION OF outbox FOR VALUES FROM ('2018-01-01') TO ('2019-01-01');
		CREATE TABLE outbox_2019 PARTITION OF outbox FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
		CREATE TABLE outbox_new PARTITION OF outbox FOR VALUES FROM ('2020-01-01') TO ('2999-01-01');
		CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT`,
	})
	if err := k.Brokers()[0].Pause(); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	const partitions = "SELECT relid FROM pg_partition_tree('outbox') WHERE isleaf ORDER BY relid::text"
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, payload, created_at) SELECT 'order', 'k', to_jsonb(i),
		('{2017-01-01, 2018-05-05, 2019-05-05, 2021-01-01}'::timestamptz[])[i] FROM generate_series(1, 4) i`)
	h.asks(t)
	if left := h.texts(t, partitions); len(left) != 4 {
		t.Errorf("%v are left, and Kafka has nothing of them", left)
	}
	if err := k.Brokers()[0].Resume(); err != nil {
		t.Fatal(err)
	}
	h.Until(t, "the old partitions to be dropped", func() bool {
		return slices.Equal(h.texts(t, partitions), []string{"outbox_new", "outbox_rest"})
	})
	h.Until(t, "the default one's row to be deleted", func() bool {
		return slices.Equal(h.texts(t, "SELECT payload FROM outbox"), []string{"4"})
	})
	h.consume(t, h.Topic, 4)
}

// A transaction that is open while others are confirmed keeps its rows until it is
// published itself, and a row in the place of one that is gone is another row.
func TestPruneLeavesWhatIsOpen(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: prunes})
	h.Start(t)
	other, err := h.DB.Server.Connect(t.Context(), h.DB.Name)
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
		h.Exec(t, relaytest.Insert("k", n))
	}
	h.Until(t, "what has committed to be deleted", func() bool { return h.Seen.Deleted.Load() == 20 })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Until(t, "the last row to be deleted", func() bool { return h.Seen.Deleted.Load() == 21 })
	h.consume(t, h.Topic, 21)
}

// Rows that Postgres skips, and the slot passes, stay for recover.
func TestPruneLeavesWhatIsSkipped(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: prunes})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Until(t, "the published row to be deleted", func() bool { return h.Seen.Deleted.Load() == 1 })
	h.Exec(t, "BEGIN", "ALTER PUBLICATION "+h.Config.Postgres.Publication+" DROP TABLE outbox", relaytest.Insert("k", 2), "COMMIT")
	halt, ok := errors.AsType[*status.Halt](h.Wait(t))
	if !ok || halt.Reason != "rows are being skipped" {
		t.Errorf("%+v", halt)
	}
	if n := len(h.texts(t, "SELECT id FROM outbox")); n != 1 {
		t.Errorf("%d rows are left, and 1 was skipped", n)
	}
}

// Without the right to delete the relay goes on, and says so until it has it.
func TestPruneWithoutTheRight(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: prunes})
	role := stack.Name(t)
	h.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "GRANT SELECT ON outbox TO "+role,
		"CREATE PUBLICATION "+h.Config.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+h.Config.Postgres.Slot+"', 'pgoutput')")
	t.Cleanup(func() {
		if err := h.DB.Server.Exec(context.WithoutCancel(t.Context()), h.DB.Name, "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	h.Configure(t, keys{"postgres.url": h.DB.Server.URLFor(role, "", h.DB.Name)})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	said := func() bool {
		for _, c := range h.Report("").Conditions {
			if c.Name == status.ConditionPrune && strings.Contains(c.Hint, "permission denied") {
				return true
			}
		}
		return false
	}
	h.Until(t, "the condition", said)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	h.Exec(t, fmt.Sprintf("GRANT DELETE ON outbox TO %s", role))
	h.Until(t, "the rows to be deleted", func() bool { return h.Seen.Deleted.Load() == 2 && !said() })
}

// A relay that stands by deletes nothing, whatever the other has confirmed.
func TestStandbyDoesNotPrune(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	second := &harness{h.Second()}
	second.Configure(t, prunes)
	second.Launch(t)
	second.Until(t, "standby", func() bool { return second.Status().State == status.Standby })
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	if n := second.Seen.Deleted.Load(); n != 0 || len(h.texts(t, "SELECT id FROM outbox")) != 1 {
		t.Errorf("%d rows deleted", n)
	}
	h.Stop(t)
	second.Until(t, "the second to stream, and to delete", func() bool { return second.Seen.Deleted.Load() == 1 })
}

// Rows that were in the table before it was published, or in a partition before it
// was attached, were not in the stream: pruning leaves them alone and names them, also
// where they fill the head of the table. What was in the stream goes.
func TestRow79_PruneLeavesWhatWasNotInTheStream(t *testing.T) {
	t.Parallel()
	for name, ddl := range map[string]string{"plain": relaytest.OutboxDDL, "partitioned": partitionedDDL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{DDL: ddl, Keys: prunes})
			h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'order', 'before', 'Created', to_jsonb(i) `+
				`FROM generate_series(1, 25) i`)
			stays := 25
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 0))
			h.Until(t, "the row to be deleted", func() bool { return h.Seen.Deleted.Load() == 1 })
			if name == "partitioned" {
				h.Exec(t, "CREATE TABLE outbox_a (LIKE outbox INCLUDING ALL)",
					"INSERT INTO outbox_a (aggregatetype, aggregateid, payload) SELECT 'order', 'a', to_jsonb(i) FROM "+
						"generate_series(1, 5) i",
					"BEGIN; CREATE TABLE outbox_b (LIKE outbox INCLUDING ALL); INSERT INTO outbox_b (aggregatetype, aggregateid, "+
						"payload) VALUES ('order', 'b', '1');"+
						" ALTER TABLE outbox ATTACH PARTITION outbox_b FOR VALUES IN ('b'); INSERT INTO outbox (aggregatetype, "+
						"aggregateid, payload) VALUES ('order', 'b', '2'); COMMIT",
					"ALTER TABLE outbox ATTACH PARTITION outbox_a FOR VALUES IN ('a')")
				stays += 6 // the second row of outbox_b was inserted into the outbox
			}
			h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'order', (ARRAY['a', 'k'])[i % 2 + 1], `+
				`'Created', to_jsonb(i) FROM generate_series(1, 35) i`)
			want := int64(36)
			if name == "partitioned" {
				want++
			}
			h.Until(t, "what was in the stream to be deleted", func() bool { return h.Seen.Deleted.Load() == want })
			h.Until(t, "the condition", func() bool {
				for _, c := range h.Report("").Conditions {
					if c.Name == status.ConditionUncarried && strings.Contains(c.Hint, "25 rows of ") {
						return true
					}
				}
				return false
			})
			if n := len(h.texts(t, "SELECT id FROM outbox")); n != stays {
				t.Errorf("%d rows are left, want the %d that Kafka does not have", n, stays)
			}
			h.consume(t, h.Topic, int(want))
		})
	}
}

// A partition with rows that were not in the stream is not dropped, and those behind it are.
func TestRow79_PruneDropsNoPartitionThatWasNotInTheStream(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: `CREATE TABLE outbox (
		id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at);
		CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT`, Keys: prunesOld.With(keys{"outbox.prune.drop_partitions": true})})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.Exec(t, "CREATE TABLE outbox_2018 (LIKE outbox INCLUDING ALL)",
		"INSERT INTO outbox_2018 (aggregatetype, aggregateid, payload, created_at) VALUES ('order', 'a', '1', '2018-05-05')",
		"ALTER TABLE outbox ATTACH PARTITION outbox_2018 FOR VALUES FROM ('2018-01-01') TO ('2019-01-01')",
		"CREATE TABLE outbox_2019 PARTITION OF outbox FOR VALUES FROM ('2019-01-01') TO ('2020-01-01')",
		"INSERT INTO outbox (aggregatetype, aggregateid, payload, created_at) VALUES ('order', 'k', '2', '2019-05-05')")
	h.Until(t, "the partition behind it to be dropped", func() bool {
		return len(h.texts(t, "SELECT to_regclass('outbox_2019') WHERE to_regclass('outbox_2019') IS NOT NULL")) == 0
	})
	h.Until(t, "the condition", func() bool {
		return slices.ContainsFunc(h.Report("").Conditions, func(c status.Condition) bool {
			return c.Name == status.ConditionUncarried && strings.Contains(c.Hint, "1 rows of public.outbox_2018")
		})
	})
	if n := len(h.texts(t, "SELECT id FROM outbox_2018")); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}
