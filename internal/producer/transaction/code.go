package transaction

import (
	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/producer/answer"
)

// worded is a code of Kafka's in words: sarama has no text for the newer ones.
type worded struct{ code sarama.KError }

func (w worded) Error() string { return answer.CodeText(w.code) }
func (w worded) Unwrap() error { return w.code }

// State returns the StateError of an answer to a batch.
func State(code sarama.KError) *StateError {
	return &StateError{Op: "write a batch (Produce)", Err: worded{code}}
}

// errTransactionAbortable is TRANSACTION_ABORTABLE of KIP-890, which sarama has no name for.
const errTransactionAbortable sarama.KError = 120

// IsState reports whether an answer to a batch says that the transaction is not what the
// client thinks, see StateError.
func IsState(code sarama.KError) bool { return isState(code) }

// isState reports whether the epoch or the state of the transaction is another, by the error
// codes of the Kafka protocol guide.
func isState(code sarama.KError) bool {
	switch code {
	case sarama.ErrOutOfOrderSequenceNumber, sarama.ErrInvalidProducerEpoch, sarama.ErrInvalidTxnState,
		sarama.ErrInvalidProducerIDMapping, sarama.ErrUnknownProducerID, sarama.ErrProducerFenced,
		sarama.ErrTransactionCoordinatorFenced, errTransactionAbortable:
		return true
	default:
		return false
	}
}

// isMoved reports whether another broker coordinates the transactional id, or soon will.
func isMoved(code sarama.KError) bool {
	switch code {
	case sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer,
		sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition:
		return true
	default:
		return false
	}
}

// isBusy reports whether the same request may succeed later.
func isBusy(code sarama.KError) bool {
	switch code {
	case sarama.ErrOffsetsLoadInProgress, sarama.ErrUnknown, sarama.ErrInvalidMessage, sarama.ErrRequestTimedOut,
		sarama.ErrNetworkException, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend,
		sarama.ErrThrottlingQuotaExceeded, sarama.ErrBrokerNotAvailable, sarama.ErrKafkaStorageError:
		return true
	default:
		return false
	}
}
