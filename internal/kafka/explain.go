package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/IBM/sarama"
)

// ExplainAt is Explain for a connection to one broker.
func (o Options) ExplainAt(op, addr string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Op: op, Addr: addr, Kind: kindOf(err), Err: err}
	if e.Kind == Other || e.Kind == Closed {
		e.Kind = o.kindOfText(err.Error(), e.Kind)
	}
	e.Text = o.Redact(ServerText(err))
	e.Hint = o.hint(e.Kind)
	return e
}

// kindOf classifies by the types of errors.
func kindOf(err error) Kind {
	switch {
	case errors.Is(err, errUnreadable):
		return SecretUnreadable
	case errors.Is(err, errIterations):
		return SASLIterations
	case isA[x509.UnknownAuthorityError](err):
		return UntrustedCA
	case isA[x509.HostnameError](err):
		return WrongName
	case isA[x509.CertificateInvalidError](err):
		if invalid, _ := errors.AsType[x509.CertificateInvalidError](err); invalid.Reason == x509.Expired {
			return Expired
		}
		return UntrustedCA
	case isA[*tls.CertificateVerificationError](err):
		return UntrustedCA
	case isA[tls.RecordHeaderError](err):
		return NotTLS
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
	return kindOfNetwork(err)
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
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
	// Answers come before closings: a refused dial is a net.OpError too.
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return ClientCertificate // what the broker still complains of when our side was content
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Closed
	case errors.Is(err, sarama.ErrOutOfBrokers), errors.Is(err, context.DeadlineExceeded), isA[net.Error](err), isA[*net.OpError](err):
		return Unreachable
	default:
		return Other
	}
}

// kindOfText is for errors that sarama hands on as text: those of several brokers
// it joins, and of brokers it gave up.
func (o Options) kindOfText(text string, otherwise Kind) Kind {
	for _, known := range []struct {
		part string
		kind Kind
	}{
		{"signed by unknown authority", UntrustedCA},
		{"certificate is valid for", WrongName},
		{"cannot validate certificate", WrongName},
		{"has expired or is not yet valid", Expired},
		{"remote error: tls", ClientCertificate},
		{"does not look like a TLS handshake", NotTLS},
		{"SASL Authentication failed", SASLRefused},
		{errIterations.Error(), SASLIterations},
		{"not support the requested SASL mechanism", SASLMechanism},
		{"given the current SASL state", NoSASL},
		{"connection refused", Unreachable},
		{"no such host", Unreachable},
	} {
		if strings.Contains(text, known.part) {
			return known.kind
		}
	}
	return otherwise
}

// ServerText returns an error's text without the words that sarama puts before it.
func ServerText(err error) string {
	return strings.ReplaceAll(strings.TrimPrefix(err.Error(), "kafka: "), "kafka server: ", "Kafka says: ")
}

// hint says what usually lies behind a failed connection, and what to change.
func (o Options) hint(k Kind) string {
	switch k {
	case Unreachable:
		return "is this the address in kafka.brokers (or the broker's advertised.listeners), is the broker up, and does a firewall let " +
			"you through?"
	case Closed:
		return o.closedHint()
	case NotTLS:
		return "this port does not speak TLS: leave kafka.tls out, or use the broker's TLS port"
	case WantsTLS:
		return "this port speaks TLS: add kafka.tls (with ca: for an own CA), or use the broker's plaintext port"
	case UntrustedCA:
		if o.TLS != nil && o.TLS.CA != "" {
			return "kafka.tls.ca (" + o.TLS.CA + ") does not hold the CA that signed the broker's certificate"
		}
		return "set kafka.tls.ca to the CA that signed the broker's certificate"
	case WrongName:
		return "use a name of the certificate in kafka.brokers, or set kafka.tls.server_name to it"
	case Expired:
		return "renew the broker's certificate, or set the clock right"
	case ClientCertificate:
		if o.TLS != nil && o.TLS.Cert == "" {
			return "the broker wants a client certificate: set kafka.tls.cert and kafka.tls.key"
		}
		return "the broker does not accept the certificate in kafka.tls.cert: is it signed by a CA that the broker trusts, and still valid?"
	case WantsSASL:
		return "this port wants SASL: add kafka.sasl, or use the broker's port without"
	case NoSASL:
		return "this port asks for no SASL: leave kafka.sasl out, or use the broker's SASL port"
	case SASLMechanism:
		return fmt.Sprintf("the broker does not offer %s: change kafka.sasl.mechanism to one in its sasl.enabled.mechanisms", o.mechanism())
	case SASLRefused:
		if o.mechanism() == OAuthBearer {
			return "the broker refused kafka.sasl.token: is it expired, or for another audience?"
		}
		return fmt.Sprintf("the broker does not know user %q with this password and %s: see kafka.sasl", o.user(), o.mechanism())
	case SASLIterations:
		return "is this Kafka, and the broker that kafka.brokers means? It would burn CPU: set the user's password again, with 4096 to " +
			"16384 iterations"
	default:
		return ""
	}
}

func (o Options) closedHint() string {
	switch {
	case o.TLS != nil:
		return "the broker hung up during or after the TLS handshake: this port may not speak TLS, or want a client certificate"
	case o.SASL == nil:
		return "the broker hung up: this port may want TLS (kafka.tls) or SASL (kafka.sasl)"
	default:
		return "the broker hung up: this port may want TLS (kafka.tls)"
	}
}

func (o Options) mechanism() string {
	if o.SASL == nil {
		return ""
	}
	return o.SASL.Mechanism
}

func (o Options) user() string {
	if o.SASL == nil {
		return ""
	}
	return o.SASL.Username
}

// Principal is what ACLs know this client by, as Kafka's default builder makes
// it. Only the broker knows for certain.
func (o Options) Principal() string {
	switch {
	case o.mechanism() == OAuthBearer:
		return "User:<subject of the token>"
	case o.SASL != nil:
		return "User:" + o.SASL.Username
	case o.TLS != nil && o.TLS.subject() != "":
		return "User:" + o.TLS.subject()
	default:
		return "User:ANONYMOUS"
	}
}

// CodeError returns a code of Kafka's as an error; nil for none.
func CodeError(code sarama.KError) error {
	if code == sarama.ErrNoError {
		return nil
	}
	return code
}
