package cli

import (
	"context"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/wiring"
)

// checkKafka checks the cluster, and the topics as far as they are known.
func checkKafka(ctx context.Context, cfg *config.Config, names topicNames) []preflight.Requirement {
	want := preflight.KafkaExpectations{
		Topics: names.records, DeadLetters: names.deadLetters, ConsumerDeadLetters: cfg.DeclaredDeadLetterTopics(),
		Spec:    func(topic string) topics.Spec { return wiring.TopicSpec(cfg, topic) },
		Create:  cfg.Kafka.Topics.Create,
		Keyless: cfg.Outbox.Key.None(), ColumnTime: cfg.Outbox.Timestamp != "",
	}
	if cfg.Delivery.ExactlyOnce() {
		want.ExactlyOnce = &preflight.ExactlyOnce{
			TransactionalID: cfg.Delivery.TransactionalID, PositionTopic: cfg.Delivery.PositionTopic, Timeout: wiring.TransactionTimeout,
		}
	}
	list := preflight.Kafka(ctx, wiring.Kafka(cfg), want)
	if names.unknown != "" {
		list = append(list, preflight.Requirement{Name: "topics", State: preflight.OK, Detail: "not checked: " + names.unknown})
	}
	return append(list, wiring.NamedTopics(cfg).Requirements()...)
}
