// Package read answers what stands in a topic from one offset up to another. Beside it
// are the settings that reading begins with, and which errors of Kafka are permanent.
//
// It knows sarama. pkg/inbox and pkg/projection import it, so it must not know
// databases, nor walpost's own packages.
package read

import (
	"errors"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// MaxBatch is what a batch that is read may hold when it is decompressed: 20 kB of
// zeros would be gigabytes. It is more than the largest kafka.max_message_bytes.
const MaxBatch = 128 << 20

// refreshEvery is how often sarama asks for partitions: those that were added are read
// within twice this time.
const refreshEvery = 15 * time.Second

// Whoever imports this package reads within a limit, unless it sets its own later. It is a
// plain variable, which sarama's goroutines read whenever they like.
func init() { //nolint:gochecknoinits // see above
	sarama.MaxDecompressedBatchSize = MaxBatch
}

// Config returns sarama's settings as reading and writing share them. clientID need not
// be a name that sarama accepts.
func Config(clientID string) *sarama.Config {
	s := sarama.NewConfig()
	s.ClientID = validClientID(clientID)
	s.Version = sarama.V3_6_0_0 // the newest that sarama may send; brokers say what they know
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.Full = false
	s.Metadata.RefreshFrequency = refreshEvery
	return s
}

// validClientID replaces what sarama does not accept in a name.
func validClientID(name string) string {
	id := []byte(name)
	for i, b := range id {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '.' && b != '_' && b != '-' {
			id[i] = '-'
		}
	}
	return string(id)
}

// IsPermanent reports whether an error of Kafka does not pass by itself. sarama has asked
// again for a while before it says that a topic is unknown.
func IsPermanent(err error) bool {
	for _, permanent := range []error{
		sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed,
		sarama.ErrGroupAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrSASLAuthenticationFailed,
		sarama.ErrUnsupportedSASLMechanism, sarama.ErrUnsupportedVersion, sarama.ErrInconsistentGroupProtocol,
		sarama.ErrInvalidSessionTimeout, sarama.ErrInvalidGroupId, sarama.ErrFencedInstancedId, sarama.ErrSecurityDisabled,
	} {
		if errors.Is(err, permanent) {
			return true
		}
	}
	return false
}

// IsTooLong reports whether a broker's answer is longer than sarama reads
// (sarama.MaxResponseSize, 100 MiB): a batch in it is, since a broker sends one whole even
// if it is more than was asked for. sarama has no error of its own for that.
func IsTooLong(err error) bool {
	e, ok := errors.AsType[sarama.PacketDecodingError](err)
	return ok && strings.Contains(e.Info, "too large or too small")
}
