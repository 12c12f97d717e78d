package devstack_test

import (
	"context"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// produce writes one record with acks=all.
func produce(t *testing.T, addrs []string, config *sarama.Config, topic string) error {
	t.Helper()
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	producer, err := sarama.NewSyncProducer(addrs, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("v")})
	return err
}

func TestKafkaKeepsRecordsOverEveryEnd(t *testing.T) {
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	ctx := t.Context()
	if err := k.CreateTopic(ctx, "t", 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	b := k.Broker(1)
	wantPortTaken(t, b.Addr(devstack.Plaintext), b.Stop, b.Start)
	ends := map[string]func(context.Context) error{"stop": b.Stop, "kill": b.Kill}
	var want int64
	for name, end := range ends {
		if err := produce(t, k.Bootstrap(devstack.Plaintext), sarama.NewConfig(), "t"); err != nil {
			t.Fatal(err)
		}
		want++
		if err := end(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := k.Client(); err == nil {
			t.Fatalf("%s: the broker still answers", name)
		}
		if err := b.Start(ctx); err != nil {
			t.Fatalf("start after %s: %v", name, err)
		}
		ends, err := k.EndOffsets("t")
		if err != nil {
			t.Fatal(err)
		}
		if ends[0] != want {
			t.Errorf("%s: end offset %d, want %d", name, ends[0], want)
		}
	}
}

func TestKafkaOfThreeBrokers(t *testing.T) {
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		Brokers: 3, Proxied: true, Settings: map[string]string{"min.insync.replicas": "2"},
	})
	ctx := t.Context()
	if err := k.CreateTopic(ctx, "t", 3, 3, nil); err != nil {
		t.Fatal(err)
	}
	frozen := k.Broker(2)
	if err := frozen.Pause(); err != nil {
		t.Fatal(err)
	}
	config := sarama.NewConfig()
	config.Producer.Retry.Max = 100
	config.Producer.Partitioner = sarama.NewRandomPartitioner
	config.Metadata.Retry.Max = 100
	config.Net.ReadTimeout, config.Net.DialTimeout = time.Second, time.Second
	if err := produce(t, k.Bootstrap(devstack.Plaintext), config, "t"); err != nil {
		t.Errorf("with a frozen broker: %v", err)
	}
	if err := frozen.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := frozen.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if err := frozen.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := k.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := k.AwaitInSync(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if got := total(t, k, "t"); got < 1 { // a retry may have written it twice
		t.Error("the record is lost")
	}
	for _, b := range k.Brokers() {
		if b.Proxy().Connections() != 0 {
			t.Errorf("broker %d was used through its proxy, which nobody asked for", b.ID())
		}
	}
	if err := produce(t, k.Bootstrap(devstack.Proxied), sarama.NewConfig(), "t"); err != nil {
		t.Errorf("through proxies: %v", err)
	}
	for _, b := range k.Brokers() {
		b.Proxy().Refuse()
	}
	config = sarama.NewConfig()
	config.Metadata.Retry.Max = 0
	if err := produce(t, k.Bootstrap(devstack.Proxied), config, "t"); err == nil {
		t.Error("a client of the proxied listener found a way around the proxies")
	}
}

// total is the number of records in a topic that nothing was deleted from.
func total(t *testing.T, k *devstack.Kafka, topic string) (sum int64) {
	t.Helper()
	ends, err := k.EndOffsets(topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		sum += end
	}
	return sum
}

func TestSharedKafkaGivesEachTestTopics(t *testing.T) {
	a, b := stack.Topic(t, 2), stack.Topic(t, 1)
	if a == b {
		t.Fatalf("both topics are %s", a)
	}
	if err := produce(t, stack.Kafka(t).Bootstrap(devstack.Plaintext), sarama.NewConfig(), a); err != nil {
		t.Fatal(err)
	}
	records, err := stack.Kafka(t).Records(t.Context(), a)
	if err != nil || len(records) != 1 || string(records[0].Value) != "v" {
		t.Errorf("records %v, %v, want the one with v", records, err)
	}
	if inA, inB := total(t, stack.Kafka(t), a), total(t, stack.Kafka(t), b); inA != 1 || inB != 0 {
		t.Errorf("%d and %d records, want 1 and 0", inA, inB)
	}
	if err := produce(t, stack.Kafka(t).Bootstrap(devstack.Plaintext), sarama.NewConfig(), a+"_no"); err == nil {
		t.Error("a missing topic was created by a producer")
	}
}
