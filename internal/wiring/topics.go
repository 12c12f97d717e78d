package wiring

import (
	"maps"
	"strconv"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// TopicSpec is how a missing topic is made: as it is declared, and as all others
// where its declaration says nothing.
func TopicSpec(cfg *config.Config, name string) topics.Spec {
	if cfg.Delivery.ExactlyOnce() && name == cfg.Delivery.PositionTopic {
		return PositionTopic(cfg)
	}
	all := cfg.Kafka.Topics
	s := topics.Spec{Name: name, Partitions: all.Partitions, ReplicationFactor: all.ReplicationFactor, Config: all.Config}
	if cfg.IsDeadLetterTopic(name) {
		s.Partitions, s.Config = 1, deadLetterConfig(cfg)
	}
	declared, ok := all.Declare[name]
	if !ok {
		return s
	}
	own := DeclaredTopic(name, declared)
	if own.Partitions < 0 {
		own.Partitions = s.Partitions
	}
	if own.ReplicationFactor < 0 {
		own.ReplicationFactor = s.ReplicationFactor
	}
	own.Config = maps.Clone(s.Config)
	maps.Copy(own.Config, declared.Config)
	return own
}

// deadLetterRetention is how long dead letters are kept at least: people look at them.
const deadLetterRetention = 30 * 24 * time.Hour

// deadLetterConfig returns the settings of a dead letter topic: those of all topics, but
// nothing is compacted, kept for less than a month, or too small for a record with the
// headers of a dead letter.
func deadLetterConfig(cfg *config.Config) map[string]string {
	c := maps.Clone(cfg.Kafka.Topics.Config)
	if c == nil {
		c = map[string]string{}
	}
	c[topics.CleanupPolicy] = "delete"
	keeps, err := strconv.ParseInt(c[topics.Retention], 10, 64)
	if least := deadLetterRetention.Milliseconds(); err != nil || keeps >= 0 && keeps < least {
		c[topics.Retention] = strconv.FormatInt(least, 10)
	}
	c[topics.MaxMessageBytes] = strconv.FormatInt(topics.DeadLetterLimit(largestRecord(cfg)), 10)
	return c
}

// largestRecord is the largest record that a topic of the file takes.
func largestRecord(cfg *config.Config) int64 {
	largest := int64(cfg.Kafka.MaxMessageBytes)
	consider := func(settings map[string]string) {
		if n, err := strconv.ParseInt(settings[topics.MaxMessageBytes], 10, 64); err == nil {
			largest = max(largest, n)
		}
	}
	consider(cfg.Kafka.Topics.Config)
	for name, t := range cfg.Kafka.Topics.Declare {
		if !cfg.IsDeadLetterTopic(name) {
			consider(t.Config)
		}
	}
	return largest
}

// DeclaredTopic is a topic as kafka.topics.declare has it; -1 is what it leaves out.
func DeclaredTopic(name string, t config.DeclaredTopic) topics.Spec {
	return topics.Spec{
		Name: name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Config: t.Config,
		Path: "kafka.topics.declare." + name,
	}
}

// FileTopics are the topics that `walpost topics` compares with the cluster: those that are
// declared, and the dead letter topics of the rows' topics that the file names. Of a topic
// that is not declared, nothing but its absence is a difference.
func FileTopics(cfg *config.Config) map[string]config.DeclaredTopic {
	all := maps.Clone(cfg.Kafka.Topics.Declare)
	if all == nil {
		all = map[string]config.DeclaredTopic{}
	}
	for _, name := range cfg.Delivery.DeadLetterTopics(cfg.NamedTopics()) {
		if _, declared := all[name]; !declared {
			all[name] = config.DeclaredTopic{Partitions: -1, ReplicationFactor: -1}
		}
	}
	return all
}
