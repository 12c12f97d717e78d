package preflight_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/preflight"
)

// What a cluster lacks for transactions is named with the setting to change.
func TestSettingsForTransactions(t *testing.T) {
	t.Parallel()
	const topic = "topic __transaction_state"
	for _, c := range []struct {
		name     string
		brokers  int
		settings map[string]string
		want     string
		state    preflight.State
		words    []string
	}{
		{
			"the defaults of three brokers, and one", 1,
			map[string]string{"transaction.state.log.replication.factor": "3", "transaction.state.log.min.isr": "2"},
			"transactional id relay", preflight.Failed,
			[]string{
				"transaction.state.log.replication.factor is 3 and the cluster has 1 brokers",
				"set transaction.state.log.replication.factor=1 and transaction.state.log.min.isr=1 in server.properties",
			},
		},
		{
			"one copy, and two brokers", 2,
			map[string]string{"transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1"},
			topic, preflight.Warning,
			[]string{"it has 1 replica", "transaction.state.log.replication.factor", "kafka-reassign-partitions.sh"},
		},
		{
			"more in sync than there are", 1,
			map[string]string{"transaction.state.log.min.isr": "2", "transaction.max.timeout.ms": "15000"},
			topic, preflight.Warning,
			[]string{"min.insync.replicas is 2", "--add-config min.insync.replicas=1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := devstacktest.StartKafka(t, devstack.KafkaOptions{Brokers: c.brokers, Settings: c.settings, QuickStart: true})
			list := preflight.Kafka(t.Context(), kafka.Options{Brokers: k.Bootstrap(devstack.Plaintext)}, preflight.KafkaExpectations{
				ExactlyOnce: &preflight.ExactlyOnce{TransactionalID: "relay", PositionTopic: "positions", Timeout: 30 * time.Second},
			})
			wantRequirement(t, list, c.want, c.state, c.words...)
			if c.settings["transaction.max.timeout.ms"] != "" {
				wantRequirement(t, list, "longest transaction", preflight.Failed, "transaction.max.timeout.ms is 15000",
					"walpost's transactions may take 30000", "--add-config transaction.max.timeout.ms=900000")
			}
		})
	}
}
