package kafka

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/access"
)

// Options is how to reach one Kafka cluster. The zero value of each field but
// Brokers is usable.
type Options struct {
	Brokers         []string // host:port, at least one
	ClientID        string   // "": walpost
	Compression     string   // none, gzip, snappy, lz4, zstd; "": none
	MaxMessageBytes int      // largest record before compression; 0: not checked
	TLS             *TLS     // nil: no TLS
	SASL            *SASL    // nil: no SASL

	version sarama.KafkaVersion // of the protocol; zero: Version
}

// Speaking returns options for requests that came with a later version of the protocol than
// Version. Who sends them asks first whether the broker has them.
func (o Options) Speaking(version sarama.KafkaVersion) Options {
	o.version = version
	return o
}

// TLS names PEM files. All may be empty: the system's roots, no client
// certificate, the name of the broker's address. The files are read again for
// each connection, so a renewed certificate needs no restart.
type TLS struct {
	CA         string
	Cert, Key  string // both or neither
	ServerName string
}

// SASL is how to authenticate. Password and Token are called at each
// authentication, so that a rotated secret needs no restart; see Settings.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	Username  string
	Password  func() (string, error) // for PLAIN and SCRAM
	Token     func() (string, error) // for OAUTHBEARER
}

// The mechanisms of kafka.sasl.mechanism.
const (
	Plain       = access.Plain
	ScramSHA256 = access.ScramSHA256
	ScramSHA512 = access.ScramSHA512
	OAuthBearer = access.OAuthBearer
)

// clientIDMost is Kafka's limit for the names it makes metrics of.
const clientIDMost = 249

// Validate returns every fault of o, joined, each with the key to change.
func (o Options) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if len(o.Brokers) == 0 {
		fault("kafka.brokers: at least one host:port is needed")
	}
	for _, b := range o.Brokers {
		if !hostPort(b) {
			fault("kafka.brokers: %q is not host:port", b)
		}
	}
	if len(o.ClientID) > clientIDMost || strings.ContainsFunc(o.ClientID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		fault("kafka.client_id: %q must be at most %d printable ASCII characters without blanks", o.ClientID, clientIDMost)
	}
	if _, err := Codec(o.Compression); err != nil {
		faults = append(faults, err)
	}
	if o.MaxMessageBytes < 0 {
		fault("kafka.max_message_bytes: %d is negative", o.MaxMessageBytes)
	}
	if o.TLS != nil && (o.TLS.Cert == "") != (o.TLS.Key == "") {
		fault("kafka.tls: cert and key are needed together")
	}
	if o.SASL != nil {
		faults = append(faults, o.SASL.validate())
	}
	return errors.Join(faults...)
}

func (s *SASL) validate() error {
	switch s.Mechanism {
	case Plain, ScramSHA256, ScramSHA512:
		if s.Username == "" {
			return fmt.Errorf("kafka.sasl.username: required for %s", s.Mechanism)
		}
		if s.Password == nil {
			return fmt.Errorf("kafka.sasl.password: required for %s", s.Mechanism)
		}
	case OAuthBearer:
		if s.Token == nil {
			return errors.New("kafka.sasl.token: required for OAUTHBEARER")
		}
	default:
		return fmt.Errorf("kafka.sasl.mechanism: %q is not one of %s, %s, %s, %s",
			s.Mechanism, Plain, ScramSHA256, ScramSHA512, OAuthBearer)
	}
	return nil
}

func hostPort(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// Cleartext reports whether a secret would cross the network readable, and by which
// mechanism: PLAIN and OAUTHBEARER send it as it is, so they need TLS. SCRAM
// never sends the password.
func (o Options) Cleartext() (mechanism string, yes bool) {
	if o.SASL == nil || o.TLS != nil {
		return "", false
	}
	m := o.SASL.Mechanism
	return m, m == Plain || m == OAuthBearer
}

// secrets are the secret values of this moment, as far as they can be read.
func (o Options) secrets() []string {
	if o.SASL == nil {
		return nil
	}
	var values []string
	for _, read := range []func() (string, error){o.SASL.Password, o.SASL.Token} {
		if read == nil {
			continue
		}
		if v, err := read(); err == nil && v != "" {
			values = append(values, v)
		}
	}
	return values
}

// Redact replaces the secrets in a text that came from elsewhere.
func (o Options) Redact(text string) string { return redact(text, o.secrets()) }

func redact(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
