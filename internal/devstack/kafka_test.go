package devstack_test

import (
	"context"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
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
	b := k.Brokers()[0]
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
