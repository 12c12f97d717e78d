package access

import (
	"errors"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/neterr"
)

// Kind is what a failure to reach or to administer Kafka comes down to.
type Kind uint8

// The kinds. Of those that concern a connection, all but Unreachable and Closed
// heal only when a person changes the settings or the cluster.
const (
	Other              Kind = iota
	Unreachable             // nobody answers at the address, or not in time
	Closed                  // the broker hung up without a word: it may want TLS, SASL, or no TLS
	NotTLS                  // TLS was spoken to a port without it
	WantsTLS                // the port speaks TLS, and the client does not
	UntrustedCA             // the broker's certificate is not signed by a CA we trust
	WrongName               // the broker's certificate is for another name
	Expired                 // the broker's certificate has expired, or is not valid yet
	ClientCertificate       // the broker refused our certificate, or wants one
	WantsSASL               // the port wants SASL, and the client has none
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

// ErrUnreadable marks a secret or a certificate of ours that could not be read: no fault of
// the broker's.
var ErrUnreadable = errors.New("cannot be read")

var errEmpty = errors.New("it is empty")

// KindOf returns what a failure to connect, or an answer of Kafka's, comes down to.
func KindOf(err error) Kind {
	kind := kindOf(err)
	if kind == Other || kind == Closed {
		kind = kindOfText(err.Error(), kind)
	}
	return kind
}

// kindOf classifies by the types of errors.
func kindOf(err error) Kind {
	switch {
	case errors.Is(err, ErrUnreadable):
		return SecretUnreadable
	case errors.Is(err, ErrIterations):
		return SASLIterations
	}
	fault, _ := neterr.TLS(err)
	if kind := kindOfTLS(fault); kind != Other && kind != ClientCertificate {
		return kind
	}
	if code, ok := errors.AsType[sarama.KError](err); ok {
		return kindOfCode(code)
	}
	// sarama joins some errors as text only around the code, which errors.Is still finds.
	for _, code := range []sarama.KError{
		sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState,
	} {
		if errors.Is(err, code) {
			return kindOfCode(code)
		}
	}
	if fault == neterr.Alert { // what the broker still complains of when our side was content
		return ClientCertificate
	}
	return kindOfNetwork(err)
}

func kindOfTLS(fault neterr.Fault) Kind {
	switch fault {
	case neterr.UnknownAuthority, neterr.Invalid, neterr.Unverified:
		return UntrustedCA
	case neterr.WrongName:
		return WrongName
	case neterr.Expired:
		return Expired
	case neterr.Alert:
		return ClientCertificate
	case neterr.NotTLS:
		return NotTLS
	default:
		return Other
	}
}

// kindOfCode maps the codes of the Kafka protocol guide.
func kindOfCode(code sarama.KError) Kind {
	switch code {
	case sarama.ErrSASLAuthenticationFailed:
		return SASLRefused
	case sarama.ErrUnsupportedSASLMechanism:
		return SASLMechanism
	case sarama.ErrIllegalSASLState:
		return NoSASL
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrGroupAuthorizationFailed:
		return Denied
	case sarama.ErrInvalidTopic:
		return InvalidTopic
	case sarama.ErrInvalidConfig:
		return InvalidConfig
	case sarama.ErrInvalidPartitions:
		return InvalidPartitions
	case sarama.ErrInvalidReplicationFactor:
		return InvalidReplication
	case sarama.ErrPolicyViolation:
		return PolicyViolation
	case sarama.ErrUnsupportedVersion:
		return TooOld
	default:
		return Other
	}
}

func kindOfNetwork(err error) Kind {
	switch fault := neterr.Network(err); {
	case fault == neterr.Closed:
		return Closed
	case fault == neterr.Unreachable, errors.Is(err, sarama.ErrOutOfBrokers):
		return Unreachable
	default:
		return Other
	}
}

// kindOfText is for errors that sarama hands on as text: those of several brokers
// it joins, and of brokers it gave up.
func kindOfText(text string, otherwise Kind) Kind {
	fault := neterr.OfText(text)
	if kind := kindOfTLS(fault); kind != Other {
		return kind
	}
	for _, known := range []struct {
		part string
		kind Kind
	}{
		{"SASL Authentication failed", SASLRefused},
		{ErrIterations.Error(), SASLIterations},
		{"not support the requested SASL mechanism", SASLMechanism},
		{"given the current SASL state", NoSASL},
	} {
		if strings.Contains(text, known.part) {
			return known.kind
		}
	}
	if fault == neterr.Unreachable {
		return Unreachable
	}
	return otherwise
}
