package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/replication"
)

// checkKafka judges the cluster, and the topics as far as they are known.
func checkKafka(ctx context.Context, cfg *config.Config, topics topicNames) []replication.Requirement {
	want := kafka.Wanted{
		Topics: topics.records, DeadLetters: topics.deadLetters,
		Keyless: cfg.Outbox.Key == "", ColumnTime: cfg.Outbox.Timestamp != "",
	}
	if cfg.Kafka.Topics.Create {
		want.Spec = func(topic string) kafka.Spec { return relay.TopicSpec(cfg, topic) }
	}
	var list []replication.Requirement
	for _, q := range kafka.Requirements(ctx, relay.Kafka(cfg), want) {
		list = append(list, replication.Requirement{Name: q.Name, State: stateOf(q.State), Detail: q.Detail, Fix: q.Fix})
	}
	if topics.unknown != "" {
		list = append(list, replication.Requirement{Name: "topics", State: replication.OK, Detail: "not checked: " + topics.unknown})
	}
	return append(list, openTopics(cfg)...)
}

// openTopics warns of topics that anybody who may INSERT can name: with create they are
// made, and without a literal prefix they may be anybody's.
func openTopics(cfg *config.Config) []replication.Requirement {
	template, topics := cfg.Outbox.Topic, cfg.Kafka.Topics
	open := len(topics.Allow) == 0 || slices.Contains(topics.Allow, "*")
	if !open || len(template.Columns()) == 0 || !topics.Create && template[0].Column == "" {
		return nil
	}
	detail := "rows may name any topic"
	if topics.Create {
		detail += fmt.Sprintf(", which is then made, up to %d of them", topics.Most)
	}
	return []replication.Requirement{{Name: "kafka.topics.allow", State: replication.Warning, Detail: detail, Fix: "kafka.topics.allow: the names of this service's topics, with * for a part"}}
}

func stateOf(s kafka.State) replication.State {
	switch s {
	case kafka.OK:
		return replication.OK
	case kafka.Warning:
		return replication.Warning
	default:
		return replication.Failed
	}
}
