package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/dlt"
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

// rejecting is a harness for these records, under a policy.
func rejecting(t *testing.T, policy string) (h *harness, dead string) {
	t.Helper()
	h = newHarness(t, rejects(policy).With(keys{"kafka.compression": "none"}))
	h.limit(t, limit)
	compacted := h.Prefix + ".compacted"
	if err := h.Kafka.CreateTopic(t.Context(), compacted, 1, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	return h, h.Config.Delivery.DeadLetter.String()
}

// limit sets the largest batch that the topic takes.
func (h *harness) limit(t *testing.T, bytes int) {
	t.Helper()
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	value := fmt.Sprint(bytes)
	if err := admin.AlterConfig(sarama.TopicResource, h.Topic, map[string]*string{"max.message.bytes": &value}, false); err != nil {
		t.Fatal(err)
	}
}

// others checks all but the rejected records, and that those are as many.
func (h *harness) others(t *testing.T, rejected int64) {
	t.Helper()
	if n := h.Seen.Rejections.Load(); n != rejected {
		t.Errorf("%d records rejected, want %d", n, rejected)
	}
	h.Exec(t, fmt.Sprintf("DELETE FROM outbox WHERE id IN ('%s', '%s', '%s')", bigID, keylessID, poisonID))
	h.exactlyOnce(t)
}

// Under skip the rejected records are left out, and all others are delivered in
// order, those of the same transaction and of the same batch too (rows 35 to 38).
func TestRow35to38_Skip(t *testing.T) {
	t.Parallel()
	h, _ := rejecting(t, "skip")
	h.Start(t)
	h.sample(t)
	h.Exec(t, "BEGIN", inserts(1, 500), insertBig, insertKeyless, insertPoison, inserts(501, 1000), "COMMIT", inserts(1001, 1500))
	h.Confirmed(t)
	h.others(t, 3)
	h.Stop(t)
}

// Under dead_letter each goes, as it was and with what is known of it, to the dead
// letter topic before the LSN moves.
func TestRow35to38_DeadLetter(t *testing.T) {
	t.Parallel()
	h, dead := rejecting(t, "dead_letter")
	if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	h.sample(t)
	begun := time.Now()
	h.Exec(t, "BEGIN", inserts(1, 500), insertBig, insertKeyless, insertPoison, inserts(501, 1000), "COMMIT", inserts(1001, 1500))
	big := devstacktest.Value[string](t, h.DB.Conn, "SELECT payload::text FROM outbox WHERE id = $1", bigID)
	h.Confirmed(t)
	found := h.deadLetters(t, dead, 3)
	prefix := strings.TrimSuffix(h.Topic, "order")
	for _, want := range []struct{ id, key, value, kind, topic, reason string }{
		{bigID, "big", big, "Big", h.Topic, record.ReasonTooLarge},
		{keylessID, "", `{"keyless": true}`, "Keyless", prefix + "compacted", "invalid_record"},
		{poisonID, "poison", `{"poison": true}`, "Poison", prefix + "no/topic", "invalid_topic"},
	} {
		r := found[want.id]
		if string(r.Key) != want.key || string(r.Value) != want.value || r.Timestamp.Before(begun.Add(-time.Minute)) {
			t.Errorf("%s: key %q, %d bytes, time %v", want.kind, r.Key, len(r.Value), r.Timestamp)
		}
		for name, value := range map[string]string{
			"eventType": want.kind, dlt.HeaderTopic: want.topic, dlt.HeaderReason: want.reason,
		} {
			if got := header(r, name); got != value {
				t.Errorf("%s: header %s is %q, want %q", want.kind, name, got, value)
			}
		}
		if header(r, dlt.HeaderError) == "" || len(header(r, dlt.HeaderPosition)) != 25 {
			t.Errorf("%s: headers %v", want.kind, r.Headers)
		}
		if at, err := time.Parse(time.RFC3339Nano, header(r, dlt.HeaderTime)); err != nil ||
			at.Before(begun.Add(-time.Second)) {
			t.Errorf("%s: rejected at %v, %v", want.kind, at, err)
		}
	}
	h.others(t, 3)
	h.Stop(t)
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
	h, _ := rejecting(t, "stop")
	h.Start(t)
	h.sample(t)
	h.Exec(t, inserts(1, 100), "BEGIN", insertBig, inserts(101, 200), "COMMIT", inserts(201, 300))
	h.Halts(t, status.ExitHalted, bigID, h.Topic, "max.message.bytes")
	h.Released(t)
	h.limit(t, 1<<20)
	h.Start(t)
	h.Confirmed(t)
	report := h.judge(t)
	if report.Repeats > 200 {
		t.Errorf("more than the halted transaction and those after it repeated: %v", report)
	}
	h.Stop(t)
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
			h, dead := rejecting(t, "dead_letter")
			if tc.config != nil {
				if err := h.Kafka.CreateTopic(t.Context(), dead, 1, 1, tc.config); err != nil {
					t.Fatal(err)
				}
			}
			h.Start(t)
			h.Exec(t, inserts(1, 100))
			h.Confirmed(t)
			h.Exec(t, insertBig, inserts(101, 200))
			h.Halts(t, status.ExitHalted, dead, bigID, tc.says)
			h.Released(t)
			waiting := devstacktest.Value[int](t, h.DB.Conn, `SELECT count(*)
				FROM pg_logical_slot_peek_binary_changes($1, NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', $2)
				WHERE get_byte(data, 0) = ascii('I')`, h.Config.Postgres.Slot, h.Config.Postgres.Publication)
			if waiting != 101 {
				t.Errorf("%d rows wait in the slot, want the record and the 100 after it", waiting)
			}
		})
	}
}
