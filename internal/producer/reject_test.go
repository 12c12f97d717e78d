package producer_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

// Batches that are too large for their topic as a whole are split; the records pass.
func TestBatchTooLargeIsSplit(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, map[string]string{"max.message.bytes": "20000"})
	f := start(t, brokers, func(o *producer.Options) { o.Codec = sarama.CompressionNone })
	for i := range 2000 {
		f.next++
		f.Add(&record.Record{
			Topic: topic, Key: fmt.Appendf(nil, "key-%d", i%5), Value: fmt.Appendf(nil, "%-500d", f.next),
			Timestamp: time.Now().UnixMilli(), Partition: -1,
		}, f.next, record.Position{})
	}
	f.delivered(t)
	exactly(t, brokers, topic, 2000)
	if n := f.seen.class("too_large"); n == 0 || n > 200 {
		t.Errorf("%d batches were too large, want some, and few once the size is known", n)
	}
}

// One record that the topic never takes, under each policy; its neighbours pass.
func TestPolicies(t *testing.T) {
	t.Parallel()
	big := noise(30000)
	for name, policy := range map[string]record.RejectPolicy{
		"stop": record.RejectStop, "skip": record.RejectSkip, "dead_letter": record.RejectDeadLetter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			brokers, topic := topicOn(t, 1, map[string]string{"max.message.bytes": "20000"})
			if err := stack.Kafka(t).CreateTopic(t.Context(), topic+".DLT", 1, 1, nil); err != nil {
				t.Fatal(err)
			}
			f := start(t, brokers, func(o *producer.Options) { o.OnReject = policy })
			f.send(topic, 3, 50)
			f.next++
			f.Add(&record.Record{
				Topic: topic, Key: []byte("k"), Value: big, Headers: []record.Header{{Name: "id", Value: []byte("the-big-one")}},
				Timestamp: 1767225600123, Partition: -1,
			}, f.next, record.Position{CommitLSN: 0x16B374D848, Ordinal: 7})
			f.send(topic, 3, 50)
			if policy == record.RejectStop {
				f.settle(t, "halted", func() bool { return f.Halted() != nil && f.Idle() })
				if h := f.Halted(); h.ID != "the-big-one" || h.Reason != record.ReasonTooLarge {
					t.Errorf("halted by %+v", h)
				}
				if w := f.Watermark(); w != 51 {
					t.Errorf("watermark %d, want 51: what came before is acknowledged, the rest is not", w)
				}
				return
			}
			f.delivered(t)
			if got := consume(t, brokers, topic, 100); len(got) != 100 {
				t.Errorf("%d records, want the 100 others", len(got))
			}
			if f.seen.rejected[record.ReasonTooLarge] != 1 {
				t.Errorf("rejected: %v", f.seen.rejected)
			}
			if policy == record.RejectDeadLetter {
				checkDeadLetter(t, brokers, topic, big)
			}
		})
	}
}

func checkDeadLetter(t *testing.T, brokers []string, topic string, value []byte) {
	t.Helper()
	dead := consume(t, brokers, topic+".DLT", 1)
	r := dead[0]
	if len(dead) != 1 || string(r.Key) != "k" || !bytes.Equal(r.Value, value) || r.Timestamp.UnixMilli() != 1767225600123 {
		t.Errorf("dead letter: key %q, %d bytes, %v", r.Key, len(r.Value), r.Timestamp)
	}
	got := map[string]string{}
	for _, h := range r.Headers {
		got[h.Key] = string(h.Value)
	}
	for name, want := range map[string]string{
		"id": "the-big-one", dlt.HeaderTopic: topic, dlt.HeaderReason: record.ReasonTooLarge,
		dlt.HeaderPosition: "00000016b374d848/00000007",
	} {
		if got[name] != want {
			t.Errorf("header %s is %q, want %q", name, got[name], want)
		}
	}
	if got[dlt.HeaderError] == "" || got[dlt.HeaderTime] == "" {
		t.Errorf("headers: %v", got)
	}
}

// Answers about a record: the batch is halved until the one record is found, so an
// answer that does not come again rejects nothing.
func TestAnswersAboutRecords(t *testing.T) {
	for _, tc := range []struct {
		err   *kerr.Error
		class string
	}{
		{kerr.MessageTooLarge, "too_large"},
		{kerr.RecordListTooLarge, "too_large"},
		{kerr.InvalidRecord, "invalid_record"},
		{kerr.PolicyViolation, "invalid_record"},
	} {
		t.Run(tc.err.Message, func(t *testing.T) {
			t.Parallel()
			c := fakeCluster(t)
			// A request waits to fill, long enough on a busy machine: one record alone
			// would be the one to reject.
			f := start(t, c.ListenAddrs(), func(o *producer.Options) { o.Linger = 2 * time.Second })
			f.send("events", 1, 1)
			f.delivered(t)
			answerWith(c, tc.err.Code, 2)
			f.send("events", 1, 99)
			f.delivered(t)
			if n := f.seen.class(tc.class); n < 1 || len(f.seen.rejected) != 0 {
				t.Errorf("%d answers of class %s, want some; rejected %v, want none", n, tc.class, f.seen.rejected)
			}
			exactly(t, c.ListenAddrs(), "events", 100)
		})
	}
}

// A time stamp that comes from a column is the record's fault: it is found by
// halving and follows the policy. One that is the commit time is the clock's: see
// TestAnswers.
func TestAnswerAboutATimestampOfTheRow(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), func(o *producer.Options) { o.TimestampFromColumn, o.OnReject = true, record.RejectSkip })
	answerWith(c, kerr.InvalidTimestamp.Code, 1)
	f.send("events", 1, 1)
	f.delivered(t)
	f.send("events", 1, 1)
	f.delivered(t)
	if f.seen.rejected[record.ReasonInvalidRecord] != 1 {
		t.Errorf("rejected %v, want the one record", f.seen.rejected)
	}
}

// One record that a compacted topic refuses, for it has no key, among others that
// have one: it alone follows the policy.
func TestRow37_InvalidRecordIsIsolated(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 1, map[string]string{"cleanup.policy": "compact"})
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	f.send(topic, 200, 100)
	f.next++
	f.Add(&record.Record{Topic: topic, Value: []byte("no key"), Timestamp: time.Now().UnixMilli(), Partition: 0}, f.next, record.Position{})
	f.send(topic, 200, 99)
	f.delivered(t)
	if f.seen.rejected[record.ReasonInvalidRecord] != 1 || len(f.seen.rejected) != 1 {
		t.Errorf("rejected: %v, want the one record", f.seen.rejected)
	}
	if got := consume(t, brokers, topic, 199); len(got) != 199 {
		t.Errorf("%d records, want the other 199", len(got))
	}
}
