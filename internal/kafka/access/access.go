// Package access knows how a client gets into a Kafka cluster (TLS and SASL), and what it
// means when it does not.
//
// It knows sarama and the standard library. pkg/inbox and pkg/projection import it, so it
// must not know databases, files of configuration, nor walpost's own packages.
package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// The mechanisms of SASL.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
)

// SASL is how a client authenticates. Its fields are those of inbox.SASL.
type SASL struct {
	Mechanism string
	User      string
	Password  string
	Token     func(context.Context) (string, error)
}

// CheckBrokers calls refuse for each fault of a list of addresses, with the field and the reason.
func CheckBrokers(brokers []string, refuse func(field, reason string)) {
	if len(brokers) == 0 {
		refuse("Brokers", "want at least one, host:port")
	}
	for _, broker := range brokers {
		if _, port, err := net.SplitHostPort(broker); err != nil || port == "" {
			refuse("Brokers", fmt.Sprintf("%q: want host:port, such as localhost:9092", broker))
		}
	}
}

// Check calls refuse for each fault, with the field and the reason.
func (s *SASL) Check(refuse func(field, reason string)) {
	if s == nil {
		return
	}
	switch s.Mechanism {
	case Plain, ScramSHA256, ScramSHA512:
		if s.User == "" {
			refuse("SASL.User", "want a name for "+s.Mechanism)
		}
		if s.Password == "" {
			refuse("SASL.Password", "want a password for "+s.Mechanism)
		}
	case OAuthBearer:
		if s.Token == nil {
			refuse("SASL.Token", "want a function for "+OAuthBearer)
		}
	default:
		refuse("SASL.Mechanism", fmt.Sprintf("%q: want %s, %s, %s or %s", s.Mechanism, Plain, ScramSHA256, ScramSHA512, OAuthBearer))
	}
}

// Set sets TLS and SASL in sarama's configuration. Nil turns neither on nor off.
func Set(c *sarama.Config, tlsConfig *tls.Config, sasl *SASL) {
	if tlsConfig != nil {
		c.Net.TLS.Enable, c.Net.TLS.Config = true, tlsConfig.Clone() // with one alone sarama goes on without TLS
	}
	if sasl == nil {
		return
	}
	n := &c.Net.SASL
	n.Enable, n.Handshake, n.Version = true, true, sarama.SASLHandshakeV1
	n.Mechanism, n.User, n.Password = sarama.SASLMechanism(sasl.Mechanism), sasl.User, sasl.Password
	switch sasl.Mechanism {
	case ScramSHA256, ScramSHA512:
		n.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
			return NewScram(sasl.Mechanism, func() (string, error) { return sasl.Password, nil })
		}
	case OAuthBearer:
		n.TokenProvider = bearer{sasl.Token}
	}
}

// tokenTime is how long a token may take.
const tokenTime = 30 * time.Second

// bearer gives sarama the token of the moment at each authentication.
type bearer struct {
	token func(context.Context) (string, error)
}

// Token returns what the caller's function returns.
func (b bearer) Token() (*sarama.AccessToken, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tokenTime) //nolint:forbidigo // sarama hands none on
	defer cancel()
	token, err := call(ctx, b.token)
	if err == nil && token == "" {
		err = errEmpty
	}
	if err != nil {
		return nil, fmt.Errorf("token: %w: %w", ErrUnreadable, err)
	}
	return &sarama.AccessToken{Token: token}, nil
}

// errPanic is a function of the caller's that panicked.
var errPanic = errors.New("panic")

// call keeps a panic in sarama's goroutine from ending the process.
func call(ctx context.Context, token func(context.Context) (string, error)) (text string, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %v", errPanic, value)
		}
	}()
	return token(ctx)
}
