package producer_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

// topicOn makes a topic of its own on the shared broker.
func topicOn(t *testing.T, partitions int32, config map[string]string) (brokers []string, topic string) {
	t.Helper()
	k := stack.Kafka(t)
	topic = stack.Name(t)
	if err := k.CreateTopic(t.Context(), topic, partitions, 1, config); err != nil {
		t.Fatal(err)
	}
	return k.Bootstrap(devstack.Plaintext), topic
}

// impatient shortens the network's timeouts, so that a frozen broker is given up soon.
func impatient(brokers []string) func(*producer.Options) {
	return func(o *producer.Options) {
		o.Config = func() (*sarama.Config, error) {
			c, err := kafka.Settings(kafka.Options{Brokers: brokers, ClientID: "test", Compression: "lz4"})
			if err == nil {
				c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = time.Second, time.Second, time.Second
			}
			return c, err
		}
	}
}

// An answer that is lost with the broker must not repeat, lose or reorder.
func TestBrokerKilledUnderLoad(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true})
	if err := k.CreateTopic(t.Context(), "events", 4, 1, nil); err != nil {
		t.Fatal(err)
	}
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, nil)
	for range 3 {
		f.send("events", 11, 3000)
		f.settle(t, "some acknowledged", func() bool { return f.Watermark() > f.next-2500 })
		if err := k.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.send("events", 11, 2000)
		if err := k.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.delivered(t)
	exactly(t, brokers, "events", 15000)
}

func TestFrozenBrokers(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Brokers: 3, QuickStart: true, Settings: map[string]string{
		"min.insync.replicas": "2", "replica.lag.time.max.ms": "3000", "broker.session.timeout.ms": "3000",
	}})
	if err := k.CreateTopic(t.Context(), "events", 6, 3, nil); err != nil {
		t.Fatal(err)
	}
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, impatient(brokers))
	f.send("events", 11, 1000)
	f.delivered(t)
	for _, b := range k.Brokers() {
		if err := b.Pause(); err != nil {
			t.Fatal(err)
		}
		f.send("events", 11, 2000)
		f.settle(t, "delivered without the frozen broker", func() bool { return f.Watermark() == f.next+1 })
		f.send("events", 11, 500)
		if err := b.Resume(); err != nil {
			t.Fatal(err)
		}
		f.send("events", 11, 500)
		f.delivered(t)
	}
	exactly(t, brokers, "events", int(f.next))
}

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

// noise is bytes that no codec makes smaller.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
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

// A missing topic is seen missing for a while, then follows the policy; other
// topics are not held up.
func TestMissingTopic(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, nil)
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	f.send(topic+"-missing", 2, 10)
	f.send(topic, 2, 100)
	exactlyFrom(t, brokers, topic, 11, 110)
	f.delivered(t)
	if f.seen.rejected[producer.ReasonMissingTopic] != 10 {
		t.Errorf("rejected: %v", f.seen.rejected)
	}
}

func TestMissingTopicIsCreated(t *testing.T) {
	t.Parallel()
	k := stack.Kafka(t)
	brokers, topic := k.Bootstrap(devstack.Plaintext), stack.Name(t)
	f := start(t, brokers, func(o *producer.Options) {
		o.Create = func(ctx context.Context, names []string) []error {
			var errs []error
			for _, name := range names {
				errs = append(errs, k.CreateTopic(ctx, name, 3, 1, nil))
			}
			return errs
		}
	})
	f.send(topic, 5, 500)
	f.delivered(t)
	exactly(t, brokers, topic, 500)
}

// A topic that was written to and is deleted holds its records: made again, it gets them.
func TestDeletedTopicHoldsItsRecords(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, nil)
	k := stack.Kafka(t)
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	f.send(topic, 3, 100)
	f.delivered(t)
	if err := k.DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	f.send(topic, 3, 100)
	f.settle(t, "the broker says it is gone", func() bool { return f.seen.class("leader_moved") > 8 })
	if err := k.CreateTopic(t.Context(), topic, 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	f.delivered(t)
	exactlyFrom(t, brokers, topic, 101, 200)
	if len(f.seen.rejected) != 0 {
		t.Errorf("rejected: %v", f.seen.rejected)
	}
}

// exactlyFrom checks that the topic holds the values from..to once each.
func exactlyFrom(t *testing.T, brokers []string, topic string, from, to int) {
	t.Helper()
	seen := map[string]int{}
	for _, r := range consume(t, brokers, topic, to-from+1) {
		seen[string(bytes.TrimSpace(r.Value))]++
	}
	for v := from; v <= to; v++ {
		if seen[fmt.Sprint(v)] != 1 {
			t.Fatalf("value %d is there %d times", v, seen[fmt.Sprint(v)])
		}
	}
	if len(seen) != to-from+1 {
		t.Fatalf("%d values, want %d", len(seen), to-from+1)
	}
}
