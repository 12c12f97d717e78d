package wiring

import (
	"maps"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
)

// Kafka is the cluster of a configuration.
func Kafka(cfg *config.Config) kafka.Options {
	k := cfg.Kafka
	o := kafka.Options{
		Brokers: k.Brokers, ClientID: k.ClientID, Compression: k.Compression, MaxMessageBytes: int(k.MaxMessageBytes),
	}
	if k.TLS != nil {
		o.TLS = &kafka.TLS{CA: k.TLS.CA, Cert: k.TLS.Cert, Key: k.TLS.Key, ServerName: k.TLS.ServerName}
	}
	if k.SASL != nil {
		o.SASL = &kafka.SASL{
			Mechanism: k.SASL.Mechanism, Username: k.SASL.Username, Password: k.SASL.Password.Reveal, Token: k.SASL.Token.Reveal,
		}
	}
	return o
}

// TopicSpec is how a missing topic is made: as it is declared, and as all others
// where its declaration says nothing.
func TopicSpec(cfg *config.Config, name string) topics.Spec {
	all := cfg.Kafka.Topics
	declared, ok := all.Declare[name]
	if !ok {
		return topics.Spec{Name: name, Partitions: all.Partitions, ReplicationFactor: all.ReplicationFactor, Config: all.Config}
	}
	s := DeclaredTopic(name, declared)
	if s.Partitions < 0 {
		s.Partitions = all.Partitions
	}
	if s.ReplicationFactor < 0 {
		s.ReplicationFactor = all.ReplicationFactor
	}
	s.Config = maps.Clone(all.Config)
	maps.Copy(s.Config, declared.Config)
	return s
}

// DeclaredTopic is a topic as kafka.topics.declare has it; -1 is what it leaves out.
func DeclaredTopic(name string, t config.DeclaredTopic) topics.Spec {
	return topics.Spec{
		Name: name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Config: t.Config,
		Path: "kafka.topics.declare." + name,
	}
}

// NamedTopics is which topics the rows of a configuration's outbox can name.
func NamedTopics(cfg *config.Config) preflight.NamedTopics {
	t := cfg.Kafka.Topics
	return preflight.NamedTopics{Template: cfg.Outbox.Topic, Allow: t.Allow, Create: t.Create, Max: t.Most}
}
