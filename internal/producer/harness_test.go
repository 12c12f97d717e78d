package producer_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/topicname"
)

// fakeCluster is a broker in the process that speaks the protocol, for the
// answers that a real one gives only under faults that cannot be made at will.
func fakeCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "events")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// recorder is an Observer that counts.
type recorder struct {
	mu       sync.Mutex
	rejected map[string]int
	dead     map[string]int
	classes  map[string]int
	repeats  int
}

func newRecorder() *recorder {
	return &recorder{rejected: map[string]int{}, dead: map[string]int{}, classes: map[string]int{}}
}

func (r *recorder) do(f func()) { r.mu.Lock(); f(); r.mu.Unlock() }

func (r *recorder) Published(string, int, int) {}

func (r *recorder) Rejected(_, reason string) { r.do(func() { r.rejected[reason]++ }) }

func (r *recorder) DeadLettered(topic string) { r.do(func() { r.dead[topic]++ }) }

func (r *recorder) ProduceError(class string) { r.do(func() { r.classes[class]++ }) }

func (r *recorder) PossibleRepeats(n int) { r.do(func() { r.repeats += n }) }

func (r *recorder) CommitToAck(time.Duration) {}

func (r *recorder) Request(time.Duration) {}

func (r *recorder) Reconnected() {}

func (r *recorder) Transaction(bool) {}

func (r *recorder) class(name string) (count int) {
	r.do(func() { count = r.classes[name] })
	return count
}

type fixture struct {
	*producer.Producer
	seen     *recorder
	progress chan struct{}
	next     uint64
}

func start(t *testing.T, brokers []string, change func(*producer.Options)) *fixture {
	t.Helper()
	f := &fixture{seen: newRecorder(), progress: make(chan struct{}, 1)}
	letters, err := record.NewDeadLetters(topicname.Template{{Column: "topic"}, {Literal: ".DLT"}})
	if err != nil {
		t.Fatal(err)
	}
	opts := producer.Options{
		Brokers: brokers,
		Config: func() (*sarama.Config, error) {
			return kafka.Settings(kafka.Options{Brokers: brokers, ClientID: "test", Compression: "lz4"})
		},
		Codec: sarama.CompressionLZ4, Memory: 16 << 20, Observer: f.seen,
		Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)),
		Progress: func() {
			select {
			case f.progress <- struct{}{}:
			default:
			}
		},
		DeadLetterOf: func(rec *record.Record, why *record.Rejection, at record.Position) (*record.Record, error) {
			return letters.Record(rec, why, at, time.UnixMilli(1))
		},
	}
	if change != nil {
		change(&opts)
	}
	f.Producer = producer.New(t.Context(), opts)
	t.Cleanup(f.Close)
	return f
}

// send queues n records with rising values under each of the keys.
func (f *fixture) send(topic string, keys, n int) {
	for range n {
		f.next++
		f.Add(&record.Record{
			Topic: topic, Key: fmt.Appendf(nil, "key-%d", f.next%uint64(keys)), Value: fmt.Appendf(nil, "%d", f.next),
			Headers:   []record.Header{{Name: "id", Value: fmt.Appendf(nil, "id-%d", f.next)}},
			Timestamp: time.Now().UnixMilli(), Partition: -1,
		}, f.next, record.Position{CommitLSN: pgoutput.LSN(f.next), Ordinal: 1})
	}
}

// settle waits until done says true; progress wakes it, time does as well.
func (f *fixture) settle(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-f.progress:
		case <-tick.C:
		case <-deadline.Done():
			t.Fatalf("waited too long for: %s (watermark %d of %d)", what, f.Watermark(), f.next)
		}
	}
}

func (f *fixture) delivered(t *testing.T) {
	t.Helper()
	f.settle(t, "everything acknowledged", func() bool { return f.Watermark() == f.next+1 })
	if events, _ := f.InFlight(); events != 0 {
		t.Fatalf("%d events in flight with everything acknowledged", events)
	}
}

// consume reads n records of the topic, those of one partition in their order.
func consume(t *testing.T, brokers []string, topic string, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	var got []*kgo.Record
	for len(got) < n {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("read %d of %d records of %s: %v", len(got), n, topic, err)
		}
		got = append(got, fetches.Records()...)
	}
	return got
}

// exactly checks that the topic holds values 1..n once each, rising within each key.
func exactly(t *testing.T, brokers []string, topic string, n int) {
	t.Helper()
	got := consume(t, brokers, topic, n)
	if len(got) != n {
		t.Fatalf("%d records in %s, want %d", len(got), topic, n)
	}
	last, seen := map[string]int{}, map[int]bool{}
	for _, r := range got {
		var v int
		if _, err := fmt.Sscan(string(r.Value), &v); err != nil {
			t.Fatal(err)
		}
		if seen[v] {
			t.Fatalf("value %d twice", v)
		}
		if v < last[string(r.Key)] {
			t.Fatalf("key %s: %d after %d", r.Key, v, last[string(r.Key)])
		}
		seen[v], last[string(r.Key)] = true, v
	}
}

// answerWith makes the next produce requests be answered with the code, times times.
func answerWith(c *kfake.Cluster, code int16, times int) {
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if times == 0 {
			return nil, nil, false
		}
		times--
		c.KeepControl()
		req, ok := r.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		return devstack.RefuseProduce(req, code), nil, true
	})
}

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

// noise is bytes that no codec makes smaller.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
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
