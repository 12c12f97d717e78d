package relay_test

import (
	"fmt"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// numbered inserts events with these numbers under seven keys, in one transaction.
func numbered(from, to int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, from, to)
}

// refused inserts an event of an aggregate type, too large for a topic with max.message.bytes 2000.
func refused(aggregate string) string {
	return fmt.Sprintf(`INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES
		('00000000-0000-4000-8000-00000000dead', '%s', 'z', 'Created', jsonb_build_object('n', 26, 'pad', repeat('x', 3000)))`, aggregate)
}

// allow sets max.message.bytes of a topic.
func (h *harness) allow(t *testing.T, topic, bytes string) {
	t.Helper()
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"max.message.bytes": &bytes}, false); err != nil {
		t.Fatal(err)
	}
}

// Where a record is refused and nobody has decided yet, the relay halts and names it. What was committed before it is
// published and confirmed, though all of it was to be one Kafka transaction. Once the cause is gone nothing comes twice.
func TestExactlyOnceStopsAtARefusedRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keys      keys
		aggregate string
		words     string
		mend      func(t *testing.T, h *harness)
		lost      int  // left out in the end
		other     bool // there is a second topic then
	}{
		"too large": {
			aggregate: "order", words: "max.message.bytes",
			mend: func(t *testing.T, h *harness) { h.allow(t, h.Topic, "1000000") },
		},
		"no topic": {
			keys: keys{"kafka.topics.create": false}, aggregate: "other", words: "the topic does not exist",
			mend: func(t *testing.T, h *harness) { h.create(t, h.Prefix+".other") }, other: true,
		},
		"no route": {
			aggregate: "no/topic", words: "no/topic", lost: 1,
			mend: func(t *testing.T, h *harness) { h.Configure(t, keys{"delivery.on_reject": "skip"}) },
		},
		"no topic of dead letters": {
			keys: rejects("dead_letter").With(keys{"kafka.topics.create": false}), aggregate: "order", words: "dead", lost: 1,
			mend: func(t *testing.T, h *harness) { h.create(t, h.Config.Delivery.DeadLetter.String()) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{
				TopicConfig: map[string]string{"max.message.bytes": "2000"},
				Keys:        exactlyOnce().With(keys{"kafka.compression": "none"}),
			})
			h.Start(t)
			h.Confirmed(t)
			h.Stop(t)
			h.Configure(t, c.keys)
			for n := range 20 {
				h.Exec(t, numbered(n+1, n+1))
			}
			h.Exec(t, "BEGIN", numbered(21, 25), refused(c.aggregate), numbered(27, 30), "COMMIT")
			h.Exec(t, numbered(31, 40))
			h.Launch(t)
			h.Halts(t, status.ExitHalted, "00000000-0000-4000-8000-00000000dead", c.words)
			h.Released(t)
			if r := h.committed(t, h.Topic); r.Records != 25 || r.Lost != 15 || r.Repeats != 0 || r.OutOfOrder != 0 || r.Phantom != 0 {
				t.Errorf("%v, want the 25 before it", r)
			}
			if n := h.waiting(t); n != 20 {
				t.Errorf("%d rows wait in the slot, want those of its transaction and the ten after it", n)
			}
			c.mend(t, h)
			h.Start(t)
			h.Confirmed(t)
			h.Stop(t)
			topics := []string{h.Topic}
			if c.other {
				topics = append(topics, h.Prefix+".other")
			}
			if r := h.committed(t, topics...); r.Lost != c.lost || r.Repeats != 0 || r.OutOfOrder != 0 || r.Phantom != 0 {
				t.Errorf("%v, want %d left out", r, c.lost)
			}
			if dead := h.Config.Delivery.DeadLetter.String(); h.Config.Delivery.OnReject == "dead_letter" {
				if records, err := h.Kafka.Records(t.Context(), dead); err != nil || len(records) != 1 {
					t.Errorf("%d dead letters (%v)", len(records), err)
				}
			}
		})
	}
}

// waiting returns how many rows wait in the slot.
func (h *harness) waiting(t *testing.T) int {
	t.Helper()
	return devstacktest.Value[int](t, h.DB.Conn, fmt.Sprintf(`SELECT count(*)
		FROM pg_logical_slot_peek_binary_changes('%s', NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', '%s')
		WHERE get_byte(data, 0) = ascii('I')`, h.Config.Postgres.Slot,
		h.Config.Postgres.Publication))
}

// create makes a topic.
func (h *harness) create(t *testing.T, topic string) {
	t.Helper()
	if err := h.Kafka.CreateTopic(t.Context(), topic, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
}
