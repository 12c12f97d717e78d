package kafka

import (
	"fmt"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/access"
)

// readLater stands where sarama wants a password it never uses: the SCRAM client
// reads the real one when it begins.
const readLater = "read at each authentication"

// setSASL turns authentication on when o has it. The secret is read once here,
// so that a missing file is named before anybody dials.
func (o Options) setSASL(c *sarama.Config) error {
	s := o.SASL
	if s == nil {
		return nil
	}
	n := &c.Net.SASL
	n.Enable, n.Handshake, n.Version = true, true, sarama.SASLHandshakeV1
	n.Mechanism, n.User = sarama.SASLMechanism(s.Mechanism), s.Username
	if s.Mechanism == OAuthBearer {
		n.TokenProvider = bearer{s.token}
		_, err := s.token()
		return err
	}
	password, err := s.password()
	if err != nil {
		return err
	}
	switch s.Mechanism {
	case ScramSHA256, ScramSHA512:
		n.Password = readLater
		n.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return access.NewScram(s.Mechanism, s.password) }
	default:
		n.Password = password
	}
	return nil
}

func (s *SASL) password() (string, error) { return secret("kafka.sasl.password", s.Password) }
func (s *SASL) token() (string, error)    { return secret("kafka.sasl.token", s.Token) }

func secret(key string, read func() (string, error)) (string, error) {
	v, err := read()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %w", key, access.ErrUnreadable, err)
	}
	if v == "" {
		return "", fmt.Errorf("%s: %w: it is empty", key, access.ErrUnreadable)
	}
	return v, nil
}

// bearer returns to sarama the token of the moment at each authentication.
type bearer struct{ read func() (string, error) }

func (b bearer) Token() (*sarama.AccessToken, error) {
	token, err := b.read()
	if err != nil {
		return nil, err
	}
	return &sarama.AccessToken{Token: token}, nil
}
