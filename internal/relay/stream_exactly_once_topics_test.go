package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// killed ends the relay at once and starts it again.
func (h *harness) killed(t *testing.T) {
	t.Helper()
	h.Cancel()
	_ = h.Wait(t)
	h.Start(t)
}

// Topics that the relay creates while it writes, and the creation of which a kill may interrupt, have each event once.
func TestExactlyOnceCreatesTopics(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.Start(t)
	h.Exec(t, relaytest.Insert("first", 1))
	h.Confirmed(t)
	topics := []string{h.Topic}
	for round := range 4 {
		kind := fmt.Sprint("new", round)
		topics = append(topics, h.Prefix+"."+kind)
		h.Exec(t, "BEGIN", numbered(round*20+1, round*20+10),
			fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT '%s', 'z' || i, 'Created',
				jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, kind, round*20+11, round*20+20), "COMMIT")
		h.killed(t)
	}
	h.Confirmed(t)
	h.Stop(t)
	if r := h.committed(t, topics...); !r.Kept() || r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// Partitions are added while transactions run. A row that maps to another partition than before the kill comes once all
// the same: the position is one for all partitions. The order of a key across the change is its consumers' matter.
func TestExactlyOncePartitionsAdded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Partitions: 1, Keys: exactlyOnce().With(keys{"delivery.in_flight": "1MiB"})})
	h.Start(t)
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	for round := range 3 {
		h.Exec(t, numbered(round*20_000+1, (round+1)*20_000))
		h.Until(t, "a part of it", func() bool { return h.Seen.Records.Load() > 0 })
		if err := admin.CreatePartitions(h.Topic, int32(round+2), nil, false); err != nil {
			t.Fatal(err)
		}
		h.killed(t)
	}
	h.Confirmed(t)
	h.Stop(t)
	if r := h.committed(t, h.Topic); r.Lost != 0 || r.Phantom != 0 || r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// A topic is deleted, and made again later: until then its events wait, and then come once.
func TestExactlyOnceTopicMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.Start(t)
	h.Exec(t, numbered(1, 20))
	h.Confirmed(t)
	h.Configure(t, keys{"kafka.topics.create": false}) // from the next start on
	if err := h.Kafka.DeleteTopic(t.Context(), h.Topic); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, numbered(21, 40))
	h.Until(t, "the topic to be missed", func() bool { return h.Logged("will be sent again") > 0 || h.Seen.Errors() > 0 })
	if err := h.Kafka.CreateTopic(t.Context(), h.Topic, relaytest.Partitions, 1, nil); err != nil {
		t.Fatal(err)
	}
	h.Confirmed(t)
	h.Exec(t, numbered(41, 60))
	h.Confirmed(t)
	h.Stop(t)
	h.Exec(t, "DELETE FROM outbox WHERE (payload->>'n')::int <= 20")
	once(t, h)
}

// What was deleted by outbox.prune is in Kafka once, however often the relay was killed while it deleted.
func TestExactlyOncePrunes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce().With(prunes)})
	h.Exec(t, `CREATE TABLE written AS TABLE outbox`, `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN INSERT INTO public.written VALUES (NEW.*); RETURN NULL; END'`,
		"CREATE TRIGGER keep AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep()")
	h.Start(t)
	for round := range 5 {
		h.Exec(t, numbered(round*100+1, (round+1)*100))
		h.Until(t, "some rows to be deleted", func() bool { return h.Seen.Deleted.Load() > 0 })
		h.killed(t)
	}
	h.Until(t, "all rows to be deleted", func() bool { return len(h.texts(t, "SELECT id FROM outbox")) == 0 })
	h.Stop(t)
	h.exact(t, "written")
}

// Events without a table come once, in the middle of a transaction too that is larger than the memory.
func TestExactlyOnceMessages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{
		DDL: noTable, Keys: exactlyOnce().With(messages).With(keys{"delivery.in_flight": "1MiB"}),
	})
	h.Exec(t, `CREATE VIEW events AS SELECT id, 'k' || id % 7 AS aggregateid, jsonb_build_object('n', id) AS payload FROM orders`)
	h.Start(t)
	for round := range 3 {
		h.Exec(t, emitMany(round*20_000+1, (round+1)*20_000))
		h.Until(t, "a part of it", func() bool { return h.Seen.Records.Load() > 0 })
		h.killed(t)
	}
	h.Confirmed(t)
	h.Stop(t)
	h.exact(t, "events")
}

// exact checks that a reader of committed records sees each event of a table once, in order.
func (h *harness) exact(t *testing.T, table string) {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), h.DB.Conn, table)
	if err != nil {
		t.Fatal(err)
	}
	if r := relaytest.CompareCommitted(t, committed, h.Kafka, h.Topic); !r.Kept() || r.Repeats != 0 || r.Committed == 0 {
		t.Errorf("%v", r)
	}
}

// The topic of positions is deleted under a running relay: events wait, the state names the topic, and once it is made
// again each comes once, also for the next start.
func TestExactlyOncePositionsDeleted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.Start(t)
	h.Exec(t, numbered(1, 20))
	h.Confirmed(t)
	positions := h.Prefix + ".positions"
	if err := h.Kafka.DeleteTopic(t.Context(), positions); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, numbered(21, 40))
	h.Until(t, "the state to name the topic", func() bool {
		st := h.Status()
		return st.State == status.KafkaUnavailable && strings.Contains(st.Reason, positions)
	})
	if err := h.Kafka.CreateTopic(t.Context(), positions, 1, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	h.Confirmed(t)
	h.killed(t)
	h.Exec(t, numbered(41, 60))
	h.Confirmed(t)
	h.Stop(t)
	once(t, h)
}
