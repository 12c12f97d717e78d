package examplestest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
)

// Kafka is a broker that examples read from.
type Kafka struct {
	Brokers []string

	server   *devstack.Kafka
	producer sarama.SyncProducer
}

// Kafka starts the broker, with topics of one partition.
func (s *Servers) Kafka(ctx context.Context, topics ...string) (*Kafka, error) {
	server, err := devstack.StartKafka(ctx, devstack.KafkaOptions{QuickStart: true})
	if err != nil {
		return nil, err
	}
	s.kafka = &Kafka{Brokers: server.Bootstrap(devstack.Plaintext), server: server}
	for _, topic := range topics {
		if err := server.CreateTopic(ctx, topic, 1, -1, nil); err != nil {
			return nil, err
		}
	}
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	s.kafka.producer, err = sarama.NewSyncProducer(s.kafka.Brokers, config)
	return s.kafka, err
}

// Publish sends a record, as the relay does for an event of an order.
func (k *Kafka) Publish(topic, key string, headers map[string]string) {
	m := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(`{"total": 12.5}`)}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(headers[name])})
	}
	if _, _, err := k.producer.SendMessage(m); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "examples:", err) // and the example does not print what it is to print
	}
}

func (k *Kafka) close() error {
	var err error
	if k.producer != nil {
		err = k.producer.Close()
	}
	return errors.Join(err, k.server.Close())
}
