package access

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// speaksKafka reports whether a broker answers without TLS and SASL: also one that wants SASL
// says which versions it knows, when it is asked for the first time.
func speaksKafka(addr string, c *sarama.Config) bool {
	plain := *c
	plain.Net.TLS.Enable, plain.Net.SASL.Enable, plain.ApiVersionsRequest = false, false, false
	broker := sarama.NewBroker(addr)
	if broker.Open(&plain) != nil {
		return false
	}
	defer func() { _ = broker.Close() }() // one question was asked
	_, err := broker.ApiVersions(&sarama.ApiVersionsRequest{})
	return err == nil
}

// SpeaksTLS reports whether a TLS server listens: it does when the handshake succeeds,
// fails over a certificate, or is refused in TLS' own words.
func SpeaksTLS(ctx context.Context, addr string) bool {
	const timeout = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	d := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = conn.Close() // nothing was sent
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}
