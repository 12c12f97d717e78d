package kafka

import (
	"context"
	"errors"
)

// State is how a requirement is met.
type State int

// The states, from best to worst.
const (
	OK State = iota
	Warning
	Failed
)

// String gives the word `check` prints.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	default:
		return "failed"
	}
}

// Requirement is one line of `check`.
type Requirement struct {
	Name   string
	State  State
	Detail string
	Fix    string // the command to type or the key to change; "" when there is nothing to do
}

// Wanted is what the configuration asks of the cluster.
type Wanted struct {
	// Topics are those that records go to, as far as they are known.
	Topics []string
	// DeadLetters are the topics of dead letters; nil under another policy.
	DeadLetters []string
	// Spec says how a missing topic is made; nil: it is not made.
	Spec func(topic string) Spec
	// Keyless: records have no key (outbox.key is "").
	Keyless bool
	// ColumnTime: records have the time of a column, not of their commit.
	ColumnTime bool
}

// Requirements checks a cluster and the topics: every requirement, met or not, in
// the order in which an operator would mend them. Nothing is written or made.
func Requirements(ctx context.Context, o Options, want Wanted) []Requirement {
	list, client := o.reach(ctx)
	list = append(list, o.encryption()...)
	if client == nil {
		return list
	}
	defer client.Close()
	list = append(list, client.advertised(ctx)...)
	list = append(list, client.versions(ctx), client.idempotence(ctx))
	return append(list, client.topics(ctx, want)...)
}

// encryption judges SASL without TLS. Without either there is nothing to steal,
// and a plain network is the operator's choice.
func (o Options) encryption() []Requirement {
	q := Requirement{Name: "encryption", State: Warning, Fix: "add kafka.tls and use the broker's TLS port"}
	mechanism, cleartext := o.Cleartext()
	switch {
	case o.SASL == nil || o.TLS != nil:
		return nil
	case cleartext:
		q.Detail = mechanism + " without TLS sends the secret readable over the network"
		q.Fix += ", or use SCRAM-SHA-512"
	default:
		q.Detail = o.mechanism() + " without TLS: records cross the network readable, and who listens can try passwords against the exchange"
	}
	return []Requirement{q}
}

// idempotence asks for a producer id.
func (c *Client) idempotence(ctx context.Context) Requirement {
	q := Requirement{Name: "idempotent producer"}
	err := c.InitProducerID(ctx)
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		q.Detail = "allowed"
	case e.Kind == Denied:
		q.State, q.Detail = Failed, c.options.Principal()+" may write to no topic and has no IdempotentWrite"
		q.Fix = "grant Write on the topics (enough since Kafka 2.8), or: " + c.options.grant("cluster", "", "IdempotentWrite")
	default:
		q.State, q.Detail, q.Fix = Failed, e.Error(), "see the broker's log: it needs the internal topics for producer ids"
	}
	return q
}
