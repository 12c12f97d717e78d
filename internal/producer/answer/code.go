package answer

import (
	"fmt"
	"strings"

	"github.com/IBM/sarama"
)

// classify maps a Produce error code to its class, and says what a person can do about
// it, "" where nothing helps or it heals by itself. Every code of Kafka's stands here:
// TestEveryAnswerOfKafkaHasItsClass. One that Kafka adds later is unexpected, and was not
// appended, as far as Kafka's own clients assume.
func classify(code sarama.KError) (c Class, remedy string) {
	switch code {
	case sarama.ErrNoError, sarama.ErrDuplicateSequenceNumber:
		return Accepted, ""
	case sarama.ErrUnknownTopicOrPartition:
		return Moved, "create the topic again if it was deleted"
	case sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrReplicaNotAvailable,
		sarama.ErrBrokerNotAvailable, sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch,
		errUnknownTopicID, errInconsistentTopicID, errIneligibleReplica, errNewLeaderElected:
		return Moved, "bring back the brokers that hold the partition"
	case sarama.ErrKafkaStorageError, sarama.ErrLogDirNotFound:
		return Moved, "see the disks of the partition's leader"
	case sarama.ErrNotEnoughReplicas:
		return Refused, "bring brokers back, or lower min.insync.replicas"
	case sarama.ErrInvalidMessage, sarama.ErrThrottlingQuotaExceeded, sarama.ErrOffsetsLoadInProgress,
		sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrReassignmentInProgress,
		sarama.ErrConcurrentTransactions, sarama.ErrStaleBrokerEpoch, sarama.ErrNotController, errRebootstrapRequired:
		return Refused, ""
	case sarama.ErrNotEnoughReplicasAfterAppend:
		return UnknownOutcome, "bring brokers back, or lower min.insync.replicas"
	case sarama.ErrRequestTimedOut, sarama.ErrNetworkException, sarama.ErrUnknown:
		return UnknownOutcome, ""
	case sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID, sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced:
		return OutOfSequence, ""
	case sarama.ErrInvalidProducerIDMapping:
		return UnknownProducer, ""
	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		return TooLarge, ""
	case sarama.ErrInvalidRecord, sarama.ErrPolicyViolation:
		return Invalid, ""
	case sarama.ErrInvalidTimestamp:
		return InvalidTime, "set the clocks of Postgres and of the brokers right, or raise the topic's message.timestamp.after.max.ms"
	case sarama.ErrInvalidTopic:
		return InvalidName, ""
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrTransactionalIDAuthorizationFailed:
		return Denied, ""
	case sarama.ErrUnsupportedCompressionType, sarama.ErrUnsupportedForMessageFormat:
		return NeverAccepted, "set kafka.compression to gzip or none: not every service takes the others; else raise the topic's " +
			"message.format.version"
	case sarama.ErrUnsupportedVersion:
		return NeverAccepted, "upgrade Kafka, or set kafka.compression to gzip or none if it is zstd"
	case sarama.ErrInvalidRequiredAcks:
		return NeverAccepted, "walpost asks for acks=all: have the service allow it"
	default:
		return Unexpected, "see the log of the partition's leader; restarting that broker helps where its state is broken"
	}
}

// Codes that sarama has no name for.
const (
	errUnknownTopicID      sarama.KError = 100
	errInconsistentTopicID sarama.KError = 103
	errIneligibleReplica   sarama.KError = 107
	errNewLeaderElected    sarama.KError = 108
	errRebootstrapRequired sarama.KError = 129
)

// CodeText words a code, with its number: by it the meaning can be looked up.
func CodeText(code sarama.KError) string {
	text, known := strings.CutPrefix(code.Error(), "kafka server: ")
	if !known {
		return fmt.Sprintf("Kafka answers with error %d", int16(code))
	}
	return fmt.Sprintf("Kafka says: %s (error %d)", text, int16(code))
}
