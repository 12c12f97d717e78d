package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/wiring"
)

// checkKafka judges the cluster, and the topics as far as they are known.
func checkKafka(ctx context.Context, cfg *config.Config, names topicNames) []preflight.Requirement {
	want := preflight.KafkaExpectations{
		Topics: names.records, DeadLetters: names.deadLetters,
		Keyless: cfg.Outbox.Key == "", ColumnTime: cfg.Outbox.Timestamp != "",
	}
	if cfg.Kafka.Topics.Create {
		want.Spec = func(topic string) topics.Spec { return wiring.TopicSpec(cfg, topic) }
	}
	list := preflight.Kafka(ctx, wiring.Kafka(cfg), want)
	if names.unknown != "" {
		list = append(list, preflight.Requirement{Name: "topics", State: preflight.OK, Detail: "not checked: " + names.unknown})
	}
	return append(list, openTopics(cfg)...)
}

// openTopics warns of topics that anybody who may INSERT can name: with create they are
// made, and without a literal prefix they may be anybody's.
func openTopics(cfg *config.Config) []preflight.Requirement {
	template, topics := cfg.Outbox.Topic, cfg.Kafka.Topics
	open := len(topics.Allow) == 0 || slices.Contains(topics.Allow, "*")
	if !open || len(template.Columns()) == 0 || !topics.Create && template[0].Column == "" {
		return nil
	}
	detail := "rows may name any topic"
	if topics.Create {
		detail += fmt.Sprintf(", which is then made, up to %d of them", topics.Most)
	}
	return []preflight.Requirement{{
		Name: "kafka.topics.allow", State: preflight.Warning, Detail: detail,
		Fix: "kafka.topics.allow: the names of this service's topics, with * for a part",
	}}
}
