package topicdump_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/topicdump"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// text is a record with the place it came from.
func text(m *sarama.ConsumerMessage) string {
	topic := m.Topic[strings.LastIndexByte(m.Topic, '.')+1:]
	return fmt.Sprintf("%s/%d@%d %s", topic, m.Partition, m.Offset, m.Value)
}

// newClient opens a client of the shared broker.
func newClient(t *testing.T) sarama.Client {
	t.Helper()
	client, err := stack.Kafka(t).Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// newTopic creates a topic of many partitions, most of which stay empty.
func newTopic(t *testing.T, short string) string {
	t.Helper()
	topic := stack.Name(t) + "." + short
	if err := stack.Kafka(t).CreateTopic(t.Context(), topic, 50, 1, nil); err != nil {
		t.Fatal(err)
	}
	return topic
}

// newProducer writes each batch by itself.
func newProducer(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	options = append(options, kgo.SeedBrokers(stack.Kafka(t).Bootstrap(devstack.Plaintext)...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(8<<20), kgo.MaxBufferedRecords(100_000))
	producer, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

func produce(t *testing.T, producer *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := producer.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, topics ...string) []string {
	t.Helper()
	got, err := topicdump.Read(t.Context(), newClient(t), text, topics...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadKeepsTheOrder(t *testing.T) {
	one, two := newTopic(t, "one"), newTopic(t, "two")
	producer := newProducer(t)
	var want []string
	for _, topic := range []string{two, one} {
		for _, partition := range []int32{0, 7, 49} {
			for n := range 1000 {
				want = append(want, fmt.Sprintf("%s/%d@%d %d", topic[len(topic)-3:], partition, n, n))
			}
		}
	}
	for round := range 10 { // of 100 records of each partition
		var records []*kgo.Record
		for _, topic := range []string{one, two} {
			for _, partition := range []int32{0, 7, 49} {
				for n := range 100 {
					records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Append(nil, 100*round+n)})
				}
			}
		}
		produce(t, producer, records...)
	}
	if got := read(t, two, one); !slices.Equal(got, want) {
		t.Errorf("got %d records, want %d; the first of them: %q", len(got), len(want), got[:min(len(got), 3)])
	}
}

// TestReadBeginsBehindWhatWasDeleted deletes into a batch, which then comes as a whole.
func TestReadBeginsBehindWhatWasDeleted(t *testing.T) {
	topic := newTopic(t, "cut")
	produce(t, newProducer(t), &kgo.Record{Topic: topic, Value: []byte("a")}, &kgo.Record{Topic: topic, Value: []byte("b")},
		&kgo.Record{Topic: topic, Value: []byte("c")})
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteRecords(topic, map[int32]int64{0: 1}); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, topic), []string{"cut/0@1 b", "cut/0@2 c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReadEndsAtAMark has a transaction's mark as the last thing of a partition: an offset without a record.
func TestReadEndsAtAMark(t *testing.T) {
	topic := newTopic(t, "marked")
	producer := newProducer(t, kgo.TransactionalID(topic))
	if err := producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, producer, &kgo.Record{Topic: topic, Value: []byte("a")})
	if err := producer.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	for ends := map[int32]int64{}; ends[0] < 2 && t.Context().Err() == nil; { // the mark comes when the coordinator has answered
		var err error
		if ends, err = stack.Kafka(t).EndOffsets(topic); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := read(t, topic), []string{"marked/0@0 a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReadLargeBatches has more in every partition than a response may hold of it.
func TestReadLargeBatches(t *testing.T) {
	topic := stack.Name(t) + ".large"
	config := map[string]string{"max.message.bytes": "9000000"}
	if err := stack.Kafka(t).CreateTopic(t.Context(), topic, 3, 1, config); err != nil {
		t.Fatal(err)
	}
	producer, value := newProducer(t, kgo.ProducerBatchCompression(kgo.NoCompression())), make([]byte, 6<<20)
	for n := range 9 {
		produce(t, producer, &kgo.Record{Topic: topic, Partition: int32(n % 3), Value: value})
	}
	size := func(m *sarama.ConsumerMessage) int { return len(m.Value) }
	got, err := topicdump.Read(t.Context(), newClient(t), size, topic)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 9 || slices.Min(got) != len(value) {
		t.Errorf("got values of %d bytes, want 9 of %d", got, len(value))
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	client := newClient(t)
	if got, err := topicdump.Read(t.Context(), client, text, "nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a topic that is not there: %q, %v; want an error with its name", got, err)
	}
	ended := errors.New("ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ended)
	if got, err := topicdump.Read(ctx, client, text, newTopic(t, "late")); !errors.Is(err, ended) {
		t.Errorf("with a context that is done: %q, %v; want its cause", got, err)
	}
}
