package kafka

import "strings"

// Kind is what a failure to reach or to administer Kafka comes down to.
type Kind uint8

// The kinds. Of those that concern a connection, all but Unreachable and Closed
// heal only when a person changes the file or the cluster.
const (
	Other              Kind = iota
	Unreachable             // nobody answers at the address, or not in time
	Closed                  // the broker hung up without a word: it may want TLS, SASL, or no TLS
	NotTLS                  // TLS was spoken to a port without it
	WantsTLS                // the port speaks TLS, and kafka.tls is missing
	UntrustedCA             // the broker's certificate is not signed by a CA we trust
	WrongName               // the broker's certificate is for another name
	Expired                 // the broker's certificate has expired, or is not valid yet
	ClientCertificate       // the broker refused our certificate, or wants one
	WantsSASL               // the port wants SASL, and kafka.sasl is missing
	NoSASL                  // SASL was spoken to a port without it
	SASLMechanism           // the broker does not offer the mechanism
	SASLRefused             // user, password or token are wrong
	SASLIterations          // the broker wants the password hashed too often
	SecretUnreadable        // our own secret or certificate cannot be read
	Denied                  // the principal lacks a right
	InvalidTopic            // the name is none Kafka takes
	InvalidConfig           // a topic setting is unknown or has a wrong value
	InvalidPartitions       // the number of partitions is none Kafka takes
	InvalidReplication      // more replicas than brokers
	PolicyViolation         // a policy of the cluster forbids it
	TooOld                  // the broker does not know a request
)

// String names the kind in a word or two.
func (k Kind) String() string {
	names := [...]string{
		Other: "failed", Unreachable: "unreachable", Closed: "connection closed", NotTLS: "not TLS", WantsTLS: "wants TLS",
		UntrustedCA: "untrusted CA", WrongName: "wrong name", Expired: "certificate expired", ClientCertificate: "client certificate",
		WantsSASL: "wants SASL", NoSASL: "no SASL", SASLMechanism: "SASL mechanism", SASLRefused: "SASL refused",
		SASLIterations: "SASL iterations", SecretUnreadable: "secret unreadable",
		Denied: "denied", InvalidTopic: "invalid topic", InvalidConfig: "invalid config", InvalidPartitions: "invalid partitions",
		InvalidReplication: "invalid replication factor", PolicyViolation: "policy violation", TooOld: "too old",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return names[Other]
}

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

// Unwrap gives the error below.
func (e *Error) Unwrap() error { return e.Err }

// Explain words an error of sarama or of the network: what it comes down to and
// what to change. op is what was tried. nil stays nil, an *Error stays itself.
func (o Options) Explain(op string, err error) error {
	return o.ExplainAt(op, strings.Join(o.Brokers, ", "), err)
}
