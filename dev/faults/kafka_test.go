package faults_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// ownKafka gives the bench a cluster of its own behind a proxy. Call it before start.
func (b *bench) ownKafka(t *testing.T) *devstack.Proxy {
	t.Helper()
	b.kafka = devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true})
	if err := b.kafka.CreateTopic(t.Context(), b.topic, partitions, 1, nil); err != nil {
		t.Fatal(err)
	}
	b.cfg.Kafka.Brokers = b.kafka.Bootstrap(devstack.Proxied)
	return b.kafka.Brokers()[0].Proxy()
}
