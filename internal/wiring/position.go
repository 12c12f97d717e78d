package wiring

import (
	"os"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/position"
)

// TransactionTimeout is how long a Kafka transaction may be open. A relay that is killed
// leaves one open so long at most, and readers of its partitions wait for it.
const TransactionTimeout = 30 * time.Second

// PositionLog is where the positions of exactly_once are kept.
func PositionLog(cfg *config.Config) position.Log {
	return position.Log{Topic: cfg.Delivery.PositionTopic, ID: cfg.Delivery.TransactionalID}
}

// PositionSource is whose events the ordinal of a position counts.
func PositionSource(cfg *config.Config) string {
	if cfg.Outbox.Messages() {
		return "messages " + cfg.Outbox.Prefix
	}
	return Names(cfg).Table.String()
}

// Host is the name of this host, "" where it has none.
func Host() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// PositionTopic is how the topic of positions is made: as safe as those of the events, but
// for its size.
func PositionTopic(cfg *config.Config) topics.Spec {
	s := topics.Spec{
		Name: cfg.Delivery.PositionTopic, Partitions: 1, ReplicationFactor: cfg.Kafka.Topics.ReplicationFactor,
		Config: map[string]string{topics.CleanupPolicy: "compact", "segment.ms": "3600000", "min.cleanable.dirty.ratio": "0.1"},
	}
	if replicas, ok := cfg.Kafka.Topics.Config[topics.MinInsyncReplicas]; ok {
		s.Config[topics.MinInsyncReplicas] = replicas
	}
	return s
}
