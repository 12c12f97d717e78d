package faults_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// ownKafka gives the harness a cluster of its own behind a proxy. Call it before start.
func (h *harness) ownKafka(t *testing.T) *devstack.Proxy {
	t.Helper()
	h.UseKafka(t, devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true}), devstack.Proxied, 1)
	return h.Kafka.Brokers()[0].Proxy()
}
