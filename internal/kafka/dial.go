package kafka

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/access"
)

// silentError is a connection that a broker took and did not answer on.
type silentError struct{}

var _ net.Error = silentError{}

func (silentError) Error() string   { return "connected, but it does not answer" }
func (silentError) Timeout() bool   { return true }
func (silentError) Temporary() bool { return true }

// Dial opens a connection to a broker, with its TLS handshake and SASL. sarama counts a
// broker as connected that never answered: one that took as long as the read timeout
// did not.
func Dial(addr string, conf *sarama.Config) (*sarama.Broker, error) {
	begun := time.Now()
	broker := sarama.NewBroker(addr)
	if err := broker.Open(conf); err != nil {
		return nil, err
	}
	connected, err := broker.Connected()
	if err == nil && connected && time.Since(begun) < conf.Net.ReadTimeout {
		return broker, nil
	}
	HangUp(broker)
	if err == nil {
		err = silentError{}
	}
	return nil, err
}

// HangUp closes a connection without waiting: sarama's Close waits for what is under
// way, for callbacks and for locks.
func HangUp(broker *sarama.Broker) {
	go func() { _ = broker.Close() }() // it was never opened, or is broken: both are fine
}

// diagnose is explain for a dial. A broker that hangs up says nothing, so the port is
// tried the other way: with TLS or without.
func (o Options) diagnose(ctx context.Context, op, addr string, err error) error {
	explained := o.ExplainAt(op, addr, err)
	e, ok := errors.AsType[*Error](explained)
	if !ok || e.Kind != Closed {
		return explained
	}
	if o.TLS == nil && access.SpeaksTLS(ctx, addr) {
		e.Kind = WantsTLS
	}
	if o.TLS != nil && !access.SpeaksTLS(ctx, addr) {
		e.Kind = NotTLS
	}
	e.Hint = o.hint(e.Kind)
	return e
}
