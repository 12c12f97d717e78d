package kafka

import (
	"strings"

	"github.com/walpost/walpost/internal/kafka/access"
)

// Kind is what a failure to reach or to administer Kafka comes down to.
type Kind = access.Kind

// The kinds, see package access.
const (
	Other              = access.Other
	Unreachable        = access.Unreachable
	Closed             = access.Closed
	NotTLS             = access.NotTLS
	WantsTLS           = access.WantsTLS
	UntrustedCA        = access.UntrustedCA
	WrongName          = access.WrongName
	Expired            = access.Expired
	ClientCertificate  = access.ClientCertificate
	WantsSASL          = access.WantsSASL
	NoSASL             = access.NoSASL
	SASLMechanism      = access.SASLMechanism
	SASLRefused        = access.SASLRefused
	SASLIterations     = access.SASLIterations
	SecretUnreadable   = access.SecretUnreadable
	Denied             = access.Denied
	InvalidTopic       = access.InvalidTopic
	InvalidConfig      = access.InvalidConfig
	InvalidPartitions  = access.InvalidPartitions
	InvalidReplication = access.InvalidReplication
	PolicyViolation    = access.PolicyViolation
	TooOld             = access.TooOld
)

// Error is a failure to reach or to administer Kafka, in words that hold no secret.
type Error struct {
	Op   string // what was tried, such as "create topic orders"
	Addr string // of the broker, or brokers, asked
	Kind Kind
	Hint string // what to change; "" when there is nothing to add
	Text string // what came of it, without secrets
	Err  error  // sarama's, or the network's; its own text may hold a secret, Error's does not
}

// Error says what was tried, where, what came of it, and what to change.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Addr != "" {
		b.WriteString(" (" + e.Addr + ")")
	}
	b.WriteString(": " + e.Text)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the error below.
func (e *Error) Unwrap() error { return e.Err }

// Explain words an error of sarama or of the network: what it comes down to and
// what to change. op is what was tried. nil stays nil, an *Error stays itself.
func (o Options) Explain(op string, err error) error {
	return o.ExplainAt(op, strings.Join(o.Brokers, ", "), err)
}
