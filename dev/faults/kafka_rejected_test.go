package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/status"
)

// The records that Kafka can never accept, one of each kind: larger than its topic
// takes, without a key in a compacted topic, and a row whose topic no Kafka can have.
const (
	bigID     = "00000000-0000-0000-0000-000000000035"
	keylessID = "00000000-0000-0000-0000-000000000037"
	poisonID  = "00000000-0000-0000-0000-000000000038"
	limit     = 20_000 // of the topic

	insertBig = `INSERT INTO outbox SELECT '` + bigID +
		`', 'order', 'big', 'Big', jsonb_build_object('n', 1, 'pad', string_agg(md5(i::text), '')) FROM generate_series(1, 1000) i`

	insertKeyless = `INSERT INTO outbox VALUES ('` + keylessID + `', 'compacted', NULL, 'Keyless', '{"keyless": true}')`
	insertPoison  = `INSERT INTO outbox VALUES ('` + poisonID + `', 'no/topic', 'poison', 'Poison', '{"poison": true}')`
)

// rejecting is a bench for these records, under a policy.
func rejecting(t *testing.T, policy string) (b *bench, dead string) {
	t.Helper()
	b = newBench(t, option{kafka: "  compression: none\n", more: "delivery: {on_reject: " + policy + ", dead_letter: PREFIX.dead}\n"})
	b.limit(t, limit)
	compacted := strings.TrimSuffix(b.topic, "order") + "compacted"
	if err := b.kafka.CreateTopic(t.Context(), compacted, 1, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	return b, b.cfg.Delivery.DeadLetter.String()
}

// limit sets the largest batch that the topic takes.
func (b *bench) limit(t *testing.T, bytes int) {
	t.Helper()
	admin, err := b.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	value := fmt.Sprint(bytes)
	if err := admin.AlterConfig(sarama.TopicResource, b.topic, map[string]*string{"max.message.bytes": &value}, false); err != nil {
		t.Fatal(err)
	}
}

// others checks all but the rejected records, and that those are as many.
func (b *bench) others(t *testing.T, rejected int64) {
	t.Helper()
	if n := b.seen.rejected.Load(); n != rejected {
		t.Errorf("%d records rejected, want %d", n, rejected)
	}
	b.exec(t, fmt.Sprintf("DELETE FROM outbox WHERE id IN ('%s', '%s', '%s')", bigID, keylessID, poisonID))
	b.exactlyOnce(t)
}

// Under skip the rejected records are left out, and all others are delivered in
// order, those of the same transaction and of the same batch too (rows 35 to 38).
func TestRow35to38_Skip(t *testing.T) {
	t.Parallel()
	b, _ := rejecting(t, "skip")
	b.start(t)
	b.sample(t)
	b.exec(t, "BEGIN", inserts(1, 500), insertBig, insertKeyless, insertPoison, inserts(501, 1000), "COMMIT", inserts(1001, 1500))
	b.confirmed(t)
	b.others(t, 3)
	b.end(t)
}

// Under dead_letter each goes, as it was and with what is known of it, to the dead
// letter topic before the LSN moves.
func TestRow35to38_DeadLetter(t *testing.T) {
	t.Parallel()
	b, dead := rejecting(t, "dead_letter")
	if err := b.kafka.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	b.sample(t)
	begun := time.Now()
	b.exec(t, "BEGIN", inserts(1, 500), insertBig, insertKeyless, insertPoison, inserts(501, 1000), "COMMIT", inserts(1001, 1500))
	big := devstacktest.Value[string](t, b.conn, "SELECT payload::text FROM outbox WHERE id = $1", bigID)
	b.confirmed(t)
	letters, err := b.kafka.Records(t.Context(), dead)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*sarama.ConsumerMessage{}
	for _, r := range letters {
		found[header(r, "id")] = r
	}
	if len(letters) != 3 || len(found) != 3 {
		t.Fatalf("%d dead letters of %d events, want 3", len(letters), len(found))
	}
	prefix := strings.TrimSuffix(b.topic, "order")
	for _, want := range []struct{ id, key, value, kind, topic, reason string }{
		{bigID, "big", big, "Big", b.topic, record.ReasonTooLarge},
		{keylessID, "", `{"keyless": true}`, "Keyless", prefix + "compacted", "invalid_record"},
		{poisonID, "poison", `{"poison": true}`, "Poison", prefix + "no/topic", "invalid_topic"},
	} {
		r := found[want.id]
		if string(r.Key) != want.key || string(r.Value) != want.value || r.Timestamp.Before(begun.Add(-time.Minute)) {
			t.Errorf("%s: key %q, %d bytes, time %v", want.kind, r.Key, len(r.Value), r.Timestamp)
		}
		for name, value := range map[string]string{
			"eventType": want.kind, record.DeadLetterTopicHeader: want.topic, record.DeadLetterReasonHeader: want.reason,
		} {
			if got := header(r, name); got != value {
				t.Errorf("%s: header %s is %q, want %q", want.kind, name, got, value)
			}
		}
		if header(r, record.DeadLetterErrorHeader) == "" || len(header(r, record.DeadLetterPositionHeader)) != 25 {
			t.Errorf("%s: headers %v", want.kind, r.Headers)
		}
		if at, err := time.Parse(time.RFC3339Nano, header(r, record.DeadLetterTimeHeader)); err != nil ||
			at.Before(begun.Add(-time.Second)) {
			t.Errorf("%s: rejected at %v, %v", want.kind, at, err)
		}
	}
	b.others(t, 3)
	b.end(t)
}

func header(r *sarama.ConsumerMessage, name string) string {
	for _, h := range r.Headers {
		if string(h.Key) == name {
			return string(h.Value)
		}
	}
	return ""
}

// Under stop the relay halts at the record and names it; with the topic mended it
// goes on from there, and nothing is missing. What came after the record in its
// transaction may come again.
func TestRow35_Stop(t *testing.T) {
	t.Parallel()
	b, _ := rejecting(t, "stop")
	b.start(t)
	b.sample(t)
	b.exec(t, inserts(1, 100), "BEGIN", insertBig, inserts(101, 200), "COMMIT", inserts(201, 300))
	b.halts(t, status.ExitHalted, bigID, b.topic, "max.message.bytes")
	b.released(t)
	b.limit(t, 1<<20)
	b.start(t)
	b.confirmed(t)
	report := b.judge(t)
	if report.Repeats > 200 {
		t.Errorf("more than the halted transaction and those after it repeated: %v", report)
	}
	b.end(t)
}

// A dead letter that cannot be written halts: its topic is not there, or takes
// nothing, not even what is short. The record and the LSN stay where they are.
func TestRow35_DeadLetterRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config map[string]string // of the dead letter topic; nil: there is none
		says   string
	}{
		"missing topic": {nil, "does not exist"},
		"too large":     {map[string]string{"max.message.bytes": "100"}, "max.message.bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, dead := rejecting(t, "dead_letter")
			if tc.config != nil {
				if err := b.kafka.CreateTopic(t.Context(), dead, 1, 1, tc.config); err != nil {
					t.Fatal(err)
				}
			}
			b.start(t)
			b.exec(t, inserts(1, 100))
			b.confirmed(t)
			b.exec(t, insertBig, inserts(101, 200))
			b.halts(t, status.ExitHalted, dead, bigID, tc.says)
			b.released(t)
			waiting := devstacktest.Value[int](t, b.conn, `SELECT count(*)
				FROM pg_logical_slot_peek_binary_changes($1, NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', $2)
				WHERE get_byte(data, 0) = ascii('I')`, b.cfg.Postgres.Slot, b.cfg.Postgres.Publication)
			if waiting != 101 {
				t.Errorf("%d rows wait in the slot, want the record and the 100 after it", waiting)
			}
		})
	}
}
