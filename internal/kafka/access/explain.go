package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
)

// Explain returns err with what to change in a configuration that has the fields Brokers,
// TLS and SASL, and reports whether nothing else helps. It asks the brokers of the list for
// what sarama leaves out of its error.
func Explain(ctx context.Context, c *sarama.Config, brokers []string, err error) (permanent bool, explained error) {
	if err == nil {
		return false, nil
	}
	kind := KindOf(err)
	if says := kind != Unreachable && kind != Other && kind != Closed; !says && errors.Is(err, sarama.ErrOutOfBrokers) {
		for _, addr := range brokers {
			if found, cause := ask(ctx, addr, c, kind); isPermanent(found) {
				kind, err = found, fmt.Errorf("%w: %s: %w", err, addr, cause)
				break
			}
		}
	}
	hint := hintOf(kind, c)
	if group := hintOfGroup(c, err); group != "" {
		return true, fmt.Errorf("%w; %s", err, group)
	}
	if hint == "" {
		return false, err
	}
	return isPermanent(kind) || errors.Is(err, errPanic), fmt.Errorf("%w; %s", err, hint)
}

// errSpeaksTLS is a port that speaks TLS to a client that does not.
var errSpeaksTLS = errors.New("it hung up, and speaks TLS")

// ask connects to a broker, and returns why that fails; known, if it does not.
func ask(ctx context.Context, addr string, c *sarama.Config, known Kind) (kind Kind, err error) {
	answer := make(chan error, 1)
	go func() {
		broker := sarama.NewBroker(addr)
		defer func() { _ = broker.Close() }() // it was never opened, or has done its work
		if err := broker.Open(c); err != nil {
			answer <- err
			return
		}
		_, err := broker.Connected()
		answer <- err
	}()
	select {
	case <-ctx.Done():
		return Other, nil
	case err = <-answer:
		if kind = known; err != nil {
			kind = KindOf(err)
		}
		return otherWay(ctx, addr, c, kind, err)
	}
}

// otherWay tries a port with TLS, or without it, if the broker said nothing that makes
// sense: it hangs up, or its alert of TLS was read as an answer of Kafka.
func otherWay(ctx context.Context, addr string, c *sarama.Config, kind Kind, err error) (Kind, error) {
	switch {
	case err == nil || kind != Closed && kind != Other:
	case c.Net.TLS.Enable && speaksKafka(addr, c):
		return NotTLS, fmt.Errorf("%w: it speaks Kafka without TLS", err)
	case !c.Net.TLS.Enable && SpeaksTLS(ctx, addr):
		return WantsTLS, errSpeaksTLS
	}
	return kind, err
}

// isPermanent reports whether connecting again, as things are, fails again.
func isPermanent(kind Kind) bool {
	switch kind {
	case NotTLS, WantsTLS, UntrustedCA, WrongName, Expired, ClientCertificate, NoSASL, SASLMechanism, SASLRefused, SASLIterations:
		return true
	default:
		return false
	}
}

func hintOf(kind Kind, c *sarama.Config) string {
	sasl := &c.Net.SASL
	switch kind {
	case Unreachable:
		return "does Brokers (or the broker's advertised.listeners) have the right address, and is the broker up?"
	case Closed:
		return closedHint(c)
	case NotTLS:
		return "this port does not speak TLS: leave TLS out, or use the broker's TLS port"
	case WantsTLS:
		return "this port speaks TLS: set TLS, or use the broker's plaintext port"
	case UntrustedCA:
		return "set TLS.RootCAs to the CA that signed the broker's certificate"
	case WrongName:
		return "use a name of the certificate in Brokers, or set TLS.ServerName to it"
	case Expired:
		return "renew the broker's certificate, or set the clock right"
	case ClientCertificate:
		return "the broker wants a client certificate that it trusts: set TLS.Certificates"
	case NoSASL:
		return "this port asks for no SASL: leave SASL out, or use the broker's SASL port"
	case SASLMechanism:
		return fmt.Sprintf("the broker does not offer %s: change SASL.Mechanism to one in its sasl.enabled.mechanisms", sasl.Mechanism)
	case SASLRefused:
		if sasl.Mechanism == sarama.SASLTypeOAuth {
			return "the broker refused SASL.Token: is it expired, or for another audience?"
		}
		return fmt.Sprintf("the broker does not know user %q with this password and %s: see SASL", sasl.User, sasl.Mechanism)
	case SASLIterations:
		return "is this Kafka, and the broker that Brokers means? Set the user's password again, with 4096 to 16384 iterations"
	case SecretUnreadable:
		return "see SASL.Token"
	default:
		return ""
	}
}

// hintOfGroup says what to change if Kafka does not let a member into its group. A strategy
// that takes partitions away while the session goes on is not among those that pkg/inbox
// knows.
func hintOfGroup(c *sarama.Config, err error) string {
	switch {
	case errors.Is(err, sarama.ErrFencedInstancedId):
		return "another member joined with the same group.instance.id (Consumer.Group.InstanceId): each process needs its own"
	case errors.Is(err, sarama.ErrInconsistentGroupProtocol):
		var names []string
		for _, strategy := range c.Consumer.Group.Rebalance.GroupStrategies {
			names = append(names, strategy.Name())
		}
		return "the members that are in the group have no strategy in common with this one, which knows " + strings.Join(names, ", ") +
			", and cannot know cooperative-sticky: add one of these to their partition.assignment.strategy, beside their own"
	default:
		return ""
	}
}

func closedHint(c *sarama.Config) string {
	switch {
	case c.Net.TLS.Enable:
		return "the broker hung up during or after the TLS handshake: this port may not speak TLS, or want a client certificate"
	case !c.Net.SASL.Enable:
		return "the broker hung up: this port may want SASL, or TLS"
	default:
		return "the broker hung up: this port may want TLS"
	}
}
