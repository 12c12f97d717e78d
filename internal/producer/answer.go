package producer

import (
	"errors"

	"github.com/IBM/sarama"
)

// class is what an answer to a batch means for it. The table follows the
// Produce error codes of the Kafka protocol guide, and was tried code by code.
type class uint8

const (
	accepted      class = iota // in the log: the head leaves
	moved                      // not appended: ask for leaders, send again
	refused                    // not appended: back off, send again
	unknown                    // perhaps appended: the same bytes again, Kafka recognises them
	parted                     // the sequences have parted from the broker's: next epoch
	tooLarge                   // not appended, sequences not used up: split, or reject the one record
	invalid                    // as tooLarge, for a record the broker finds invalid
	invalidTime                // as invalid when the time comes from a column, else denied
	denied                     // not appended, until an operator acts: keep, slowly
	neverAccepted              // no retry can heal it: halt
)

// String is the label of walpost_produce_errors_total.
func (c class) String() string {
	switch c {
	case accepted:
		return "none"
	case moved:
		return "leader_moved"
	case refused:
		return "refused"
	case unknown:
		return "unknown_outcome"
	case parted:
		return "sequence"
	case tooLarge:
		return "too_large"
	case invalid:
		return "invalid_record"
	case invalidTime:
		return "invalid_timestamp"
	case denied:
		return "denied"
	default:
		return "unsupported"
	}
}

// Classes are the labels of walpost_produce_errors_total: those of answers, and
// "connection" for a request that could not be sent.
func Classes() []string {
	var names []string
	for c := moved; c <= neverAccepted; c++ {
		names = append(names, c.String())
	}
	return append(names, classConnection)
}

const classConnection = "connection"

// classify maps a Produce error code to its class. A code not named here was
// not appended, as far as Kafka's own clients assume: it is sent again.
func classify(code sarama.KError) class {
	switch code {
	case sarama.ErrNoError, sarama.ErrDuplicateSequenceNumber:
		return accepted
	case sarama.ErrUnknownTopicOrPartition, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition,
		sarama.ErrReplicaNotAvailable, sarama.ErrKafkaStorageError, sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch:
		return moved
	case sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrNetworkException, sarama.ErrUnknown:
		return unknown
	case sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID, sarama.ErrInvalidProducerEpoch:
		return parted
	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		return tooLarge
	case sarama.ErrInvalidRecord:
		return invalid
	case sarama.ErrInvalidTimestamp:
		return invalidTime
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrInvalidTopic, sarama.ErrPolicyViolation:
		return denied
	case sarama.ErrUnsupportedVersion, sarama.ErrUnsupportedForMessageFormat, sarama.ErrUnsupportedCompressionType:
		return neverAccepted
	default:
		return refused
	}
}

// answer is what became of one batch.
type answer struct {
	class class
	lost  bool   // there was no answer: the connection failed
	text  string // in words
}

func (a answer) label() string {
	if a.lost {
		return classConnection
	}
	return a.class.String()
}

// answerOf reads a partition's part of the response.
func answerOf(block *sarama.ProduceResponseBlock) answer {
	if block == nil {
		return answer{class: unknown, text: "the answer does not name the partition"}
	}
	a := answer{class: classify(block.Err)}
	if a.class == accepted {
		return a
	}
	a.text = block.Err.Error()
	if block.ErrorMessage != nil && *block.ErrorMessage != "" {
		a.text += ": " + *block.ErrorMessage
	}
	for _, r := range block.RecordErrors {
		if r.BatchIndexErrorMessage != nil {
			a.text += ": " + *r.BatchIndexErrorMessage
			break
		}
	}
	return a
}

// noAnswer is a request that failed as a whole. Unless it could not be encoded it
// may have reached the broker.
func noAnswer(err error) answer {
	var encoding sarama.PacketEncodingError
	if errors.As(err, &encoding) || errors.Is(err, sarama.ErrUnsupportedVersion) {
		return answer{class: neverAccepted, text: err.Error()}
	}
	return answer{class: unknown, lost: true, text: err.Error()}
}
