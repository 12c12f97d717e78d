package kafka

import (
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/access"
)

// ExplainAt is Explain for a connection to one broker.
func (o Options) ExplainAt(op, addr string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Op: op, Addr: addr, Kind: access.KindOf(err), Err: err}
	e.Text = o.Redact(ServerText(err))
	e.Hint = o.hint(e.Kind)
	return e
}

// ExplainRead is Explain for reading the records of a topic. A missing right is named, with
// the command that grants it.
func (o Options) ExplainRead(topic string, err error) error {
	e, ok := errors.AsType[*Error](o.Explain("read topic "+topic, err))
	if !ok {
		return err
	}
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
		e.Hint = o.Principal() + " needs Read on the topic: " + o.Grant("topic", topic, "Read")
	}
	return e
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
