package producer

import (
	"errors"

	"github.com/IBM/sarama"
)

// class is what an answer to a batch means for it. The table follows the
// Produce error codes of the Kafka protocol guide, and was tried code by code.
type class uint8

const (
	accepted        class = iota // in the log: the head leaves
	moved                        // not appended: ask for leaders, send again
	refused                      // not appended: back off, send again
	unknownOutcome               // perhaps appended: the same bytes again, Kafka recognises them
	outOfSequence                // the broker expects another sequence: next epoch
	unknownProducer              // the broker does not know the producer id: next epoch, then another id
	tooLarge                     // not appended, sequences not used up: split, or reject the one record
	invalid                      // as tooLarge, for a record the broker finds invalid
	invalidTime                  // as invalid when the time comes from a column or is too old, else it waits
	invalidName                  // the topic's name is refused: reject
	denied                       // not appended, until an operator acts: keep, slowly
	neverAccepted                // no retry can heal it: halt
	unexpected                   // not a known answer to a batch: send again, for a while
)

// classNames returns the labels of walpost_produce_errors_total.
func classNames() []string {
	return []string{
		accepted: "none", moved: "leader_moved", refused: "refused", unknownOutcome: "unknown_outcome", outOfSequence: "sequence",
		unknownProducer: "producer_id", tooLarge: "too_large", invalid: "invalid_record", invalidTime: "invalid_timestamp",
		invalidName: "invalid_topic", denied: "denied", neverAccepted: "unsupported", unexpected: "unexpected",
	}
}

func (c class) String() string { return classNames()[c] }

// Classes returns the labels of walpost_produce_errors_total: those of answers, and
// "connection" for a request that could not be sent.
func Classes() []string { return append(classNames()[moved:], classConnection) }

const classConnection = "connection"

// answer is what became of one batch.
type answer struct {
	class  class
	code   sarama.KError
	lost   bool   // there was no answer: the connection failed
	text   string // in words
	remedy string // what a person can do about it; "" for nothing
}

// textAndRemedy says what became of the batch, and what helps.
func (a answer) textAndRemedy() string {
	if a.remedy == "" {
		return a.text
	}
	return a.text + "; " + a.remedy
}

func (a answer) label() string {
	if a.lost {
		return classConnection
	}
	return a.class.String()
}

// answerOf returns a partition's part of the response.
func answerOf(block *sarama.ProduceResponseBlock) answer {
	if block == nil {
		return answer{class: unknownOutcome, text: "the answer does not name the partition"}
	}
	a := answer{code: block.Err}
	if a.class, a.remedy = classify(block.Err); a.class == accepted {
		return a
	}
	a.text = codeText(block.Err)
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

// noAnswer returns the answer for a request that failed as a whole. Unless it could not be
// encoded, it may have reached the broker.
func noAnswer(err error) answer {
	var encoding sarama.PacketEncodingError
	if errors.As(err, &encoding) || errors.Is(err, sarama.ErrUnsupportedVersion) {
		a := answer{class: neverAccepted, text: err.Error()}
		if encoding.Info == "" {
			_, a.remedy = classify(sarama.ErrUnsupportedVersion)
		}
		return a
	}
	return answer{class: unknownOutcome, lost: true, text: err.Error()}
}
