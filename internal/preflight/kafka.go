package preflight

import (
	"context"
	"errors"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// KafkaExpectations is what the configuration asks of the cluster.
type KafkaExpectations struct {
	// Topics are those that records go to, as far as they are known.
	Topics []string
	// DeadLetters are the topics of dead letters; nil under another policy.
	DeadLetters []string
	// ConsumerDeadLetters are the dead letter topics that the file declares and the relay
	// does not write.
	ConsumerDeadLetters []string
	// ExactlyOnce is what transactions need; nil: there are none.
	ExactlyOnce *ExactlyOnce
	// Spec returns how a missing topic is made; nil: with the broker's defaults.
	Spec func(topic string) topics.Spec
	// Create: run makes missing topics.
	Create bool
	// Keyless: records have no key (outbox.key is "").
	Keyless bool
	// ColumnTime: records have the time of a column, not of their commit.
	ColumnTime bool
}

// Kafka checks a cluster and the topics, and returns every requirement, met or
// not, in the order in which an operator would fix them. Nothing is written or created.
func Kafka(ctx context.Context, o kafka.Options, want KafkaExpectations) []Requirement {
	c := clusterChecker{options: o}
	list := append(c.connections(ctx), encryption(o)...)
	if c.client == nil {
		return list
	}
	defer c.client.Close()
	list = append(list, c.advertisedBrokers(ctx)...)
	list = append(list, c.versions(ctx), c.idempotence(ctx))
	list = append(list, c.transactions(ctx, want.ExactlyOnce)...)
	list = append(list, c.topics(ctx, want)...)
	if want.ExactlyOnce != nil {
		list = append(list, c.openTransactions(ctx, want)...)
	}
	return list
}

// clusterChecker asks a cluster for what walpost requires of it.
type clusterChecker struct {
	options kafka.Options
	client  *kafka.Client // to the first broker that answers; nil when none does
}

// encryption checks for SASL without TLS. Without either there is nothing to steal, and
// a plain network is the operator's choice.
func encryption(o kafka.Options) []Requirement {
	q := Requirement{Name: "encryption", State: Warning, Fix: "add kafka.tls and use the broker's TLS port"}
	mechanism, cleartext := o.Cleartext()
	switch {
	case o.SASL == nil || o.TLS != nil:
		return nil
	case cleartext:
		q.Detail = mechanism + " without TLS sends the secret readable over the network"
		q.Fix += ", or use SCRAM-SHA-512"
	default:
		q.Detail = o.SASL.Mechanism +
			" without TLS: records cross the network readable, and who listens can try passwords against the exchange"
	}
	return []Requirement{q}
}

// idempotence asks for a producer id.
func (c *clusterChecker) idempotence(ctx context.Context) Requirement {
	q := Requirement{Name: "idempotent producer"}
	err := c.client.InitProducerID(ctx)
	e, ok := errors.AsType[*kafka.Error](err)
	switch {
	case !ok:
		q.Detail = "allowed"
	case e.Kind == kafka.Denied:
		q.State, q.Detail = Failed, c.options.Principal()+" "+kafka.NoIdempotentWrite
		q.Fix = "grant " + kafka.GrantTopicWrite + ", or: " + c.options.Grant("cluster", "", "IdempotentWrite")
	default:
		q.State, q.Detail, q.Fix = Failed, e.Error(), "see the broker's log: it needs the internal topics for producer ids"
	}
	return q
}
