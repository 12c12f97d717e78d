// Package reading is what the packages that read topics share: sarama's settings to
// begin with, and which errors do not pass by themselves.
//
// It knows sarama. It must not know databases, nor walpost's own packages.
package reading

import (
	"errors"

	"github.com/IBM/sarama"
)

// Config is what reading and writing share. The name need not be one that sarama
// takes.
func Config(clientID string) *sarama.Config {
	s := sarama.NewConfig()
	s.ClientID = clientIDOf(clientID)
	s.Version = sarama.V3_6_0_0 // the most sarama may speak; brokers say what they know
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.Full = false
	return s
}

// clientIDOf makes a name that sarama takes.
func clientIDOf(name string) string {
	id := []byte(name)
	for i, b := range id {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '.' && b != '_' && b != '-' {
			id[i] = '-'
		}
	}
	return string(id)
}

// Lasting says that an error of Kafka does not pass by itself. sarama has asked again
// for a while before it says that a topic is unknown.
func Lasting(err error) bool {
	for _, lasting := range []error{
		sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed,
		sarama.ErrGroupAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrSASLAuthenticationFailed,
		sarama.ErrUnsupportedSASLMechanism, sarama.ErrUnsupportedVersion, sarama.ErrInconsistentGroupProtocol,
		sarama.ErrInvalidSessionTimeout, sarama.ErrInvalidGroupId, sarama.ErrFencedInstancedId, sarama.ErrSecurityDisabled,
	} {
		if errors.Is(err, lasting) {
			return true
		}
	}
	return false
}
