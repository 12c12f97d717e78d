package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// ProduceTimeout is how long a broker may wait for its followers. It must be less
// than the read timeout of a connection, or an answer that comes is given up.
const ProduceTimeout = 5 * time.Second

// netTimeout is for dialling, writing a request, and waiting for its answer.
const netTimeout = 2 * ProduceTimeout

// Settings makes sarama's configuration for one connection, or for one
// sarama.Client. Every fault of o is reported at once, with the key to change.
//
// Secrets are read when they are needed: a SCRAM password and a bearer token at
// each authentication, also those sarama does again when a session expires; a
// client certificate at each handshake. The password for PLAIN and the CA are
// fixed once the configuration is made, as sarama takes them as values: make a
// fresh one for each connection (Options.Fresh), and a new sarama.Client when
// its authentication is refused.
func Settings(o Options) (*sarama.Config, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	codec, err := Codec(o.Compression)
	if err != nil {
		return nil, err
	}
	c := sarama.NewConfig()
	c.Version = cmp.Or(o.version, Version())
	c.ClientID = o.ClientID
	if c.ClientID == "" {
		c.ClientID = "walpost"
	}
	c.MetricRegistry = silent{}

	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = netTimeout, netTimeout, netTimeout
	// A broker executes one request of a connection at a time, so more would hide
	// nothing but the network, and sarama blocks holding a lock at the limit.
	c.Net.MaxOpenRequests = 1

	// Who asks for metadata decides when, and retries: sarama does neither.
	c.Metadata.Full = false
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.RefreshFrequency = 0
	c.Metadata.Retry.Max = 0

	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Timeout = ProduceTimeout
	c.Producer.Compression = codec
	if o.MaxMessageBytes > 0 {
		c.Producer.MaxMessageBytes = o.MaxMessageBytes
	}

	if err := errors.Join(o.setTLS(c), o.setSASL(c)); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return c, nil
}

// Fresh is Settings as a method, in the form the producer takes: called for each
// connection, it reads the secrets and certificates of that moment.
func (o Options) Fresh() (*sarama.Config, error) { return Settings(o) }

// Codec maps kafka.compression to sarama's codec.
func Codec(name string) (sarama.CompressionCodec, error) {
	switch name {
	case "", "none":
		return sarama.CompressionNone, nil
	case "gzip":
		return sarama.CompressionGZIP, nil
	case "snappy":
		return sarama.CompressionSnappy, nil
	case "lz4":
		return sarama.CompressionLZ4, nil
	case "zstd":
		return sarama.CompressionZSTD, nil
	default:
		return 0, fmt.Errorf("kafka.compression: %q is not one of none, gzip, snappy, lz4, zstd", name)
	}
}
