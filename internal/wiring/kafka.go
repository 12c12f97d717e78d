package wiring

import (
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
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

// NamedTopics is which topics the rows of a configuration's outbox can name.
func NamedTopics(cfg *config.Config) preflight.NamedTopics {
	t := cfg.Kafka.Topics
	return preflight.NamedTopics{Globs: cfg.Outbox.TopicGlobs(), Allow: t.Allow, Create: t.Create, Max: t.Most}
}
