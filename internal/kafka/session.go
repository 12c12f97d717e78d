package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// patience bounds one exchange with a broker, from the dial on. A frozen broker
// accepts the connection and holds it for several time-outs of sarama's.
const patience = netTimeout + ProduceTimeout

// session is one connection to one broker, made to ask it something.
type session struct {
	options Options
	addr    string
	broker  *sarama.Broker
}

// open connects: TCP, TLS, versions, SASL, and one question after them, since
// sarama counts a connection as made whose TLS handshake has failed, and a broker
// that wants SASL tells its versions without.
func (o Options) open(ctx context.Context, addr string) (*session, error) {
	const op = "connect to Kafka"
	conf, err := o.Fresh()
	if err != nil {
		return nil, o.explain(op, addr, err)
	}
	s := &session{options: o, addr: addr, broker: sarama.NewBroker(addr)}
	_, err = await(ctx, func() (bool, error) {
		if err := s.broker.Open(conf); err != nil {
			return false, err
		}
		return s.broker.Connected()
	})
	if err != nil {
		s.close()
		return nil, o.diagnose(ctx, op, addr, err)
	}
	if _, err := s.metadata(ctx); err != nil {
		s.close()
		explained := o.explain(op, addr, err)
		if e, ok := errors.AsType[*Error](explained); ok && e.Kind == Closed && o.SASL == nil {
			e.Kind, e.Hint = WantsSASL, o.hint(WantsSASL)
		}
		return nil, explained
	}
	return s, nil
}

// apiRange is the versions of one request that a broker takes.
type apiRange struct{ min, max int16 }

func (r apiRange) String() string { return fmt.Sprintf("broker: %d-%d", r.min, r.max) }

// versions asks which requests the broker takes, by their numbers. It is asked
// after SASL: a broker that waits for SASL tells them once only.
func (s *session) versions(ctx context.Context) (map[int16]apiRange, error) {
	res, err := await(ctx, func() (*sarama.ApiVersionsResponse, error) {
		return s.broker.ApiVersions(&sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "walpost", ClientSoftwareVersion: "1"})
	})
	if err == nil {
		err = codeError(sarama.KError(res.ErrorCode))
	}
	if err != nil {
		return nil, s.explain("ask for versions", err)
	}
	ranges := make(map[int16]apiRange, len(res.ApiKeys))
	for _, k := range res.ApiKeys {
		ranges[k.ApiKey] = apiRange{k.MinVersion, k.MaxVersion}
	}
	return ranges, nil
}

// close gives the connection up. sarama waits for what is under way, so nobody
// waits for it.
func (s *session) close() {
	go func() { _ = s.broker.Close() }() // it was never opened, or is broken: both are fine
}

// await runs one blocking call of sarama's, which knows no context, for at most
// patience. A call that is given up ends by its own time-outs.
func await[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		v, err := call()
		answers <- answer{v, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var none T
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-timer.C:
		return none, fmt.Errorf("no answer within %v: %w", patience, context.DeadlineExceeded)
	}
}

// explain words an error of a request on this connection.
func (s *session) explain(op string, err error) error { return s.options.explain(op, s.addr, err) }

// diagnose is explain for a dial. A broker that hangs up says nothing, so the
// port is tried the other way: with TLS or without.
func (o Options) diagnose(ctx context.Context, op, addr string, err error) error {
	explained := o.explain(op, addr, err)
	e, ok := errors.AsType[*Error](explained)
	if !ok || e.Kind != Closed {
		return explained
	}
	if o.TLS == nil && speaksTLS(ctx, addr) {
		e.Kind = WantsTLS
	}
	if o.TLS != nil && !speaksTLS(ctx, addr) {
		e.Kind = NotTLS
	}
	e.Hint = o.hint(e.Kind)
	return e
}

// speaksTLS tells whether a TLS server listens: it does when the handshake
// succeeds, fails over a certificate, or is refused in TLS' own words.
func speaksTLS(ctx context.Context, addr string) bool {
	const enough = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, enough)
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
	if isA[*tls.CertificateVerificationError](err) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}
