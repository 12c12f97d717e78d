// Package answer says what an answer of Kafka to a batch means for the batch, and what a
// person can do about it.
//
// It knows the codes of the Produce request. It must not know queues, nor what is done
// about an answer.
package answer

import (
	"errors"
	"regexp"
	"strconv"

	"github.com/IBM/sarama"
)

// Class is what an answer to a batch means for it. The table follows the
// Produce error codes of the Kafka protocol guide, and was tried code by code.
type Class uint8

// The classes.
const (
	Accepted        Class = iota // in the log: the head leaves
	Moved                        // not appended: ask for leaders, send again
	Refused                      // not appended: back off, send again
	UnknownOutcome               // perhaps appended: the same bytes again, Kafka recognises them
	OutOfSequence                // the broker expects another sequence: next epoch
	UnknownProducer              // the broker does not know the producer id: next epoch, then another id
	TooLarge                     // not appended, sequences not used up: split, or reject the one record
	Invalid                      // as TooLarge, for a record the broker finds invalid
	InvalidTime                  // as Invalid when the time comes from a column or is too old, else it waits
	InvalidName                  // the topic's name is refused: reject
	Denied                       // not appended, until an operator acts: keep, slowly
	NeverAccepted                // no retry can heal it: halt
	Unexpected                   // not a known answer to a batch: send again, for a while
)

// classNames returns the labels of walpost_produce_errors_total.
func classNames() []string {
	return []string{
		Accepted: "none", Moved: "leader_moved", Refused: "refused", UnknownOutcome: "unknown_outcome", OutOfSequence: "sequence",
		UnknownProducer: "producer_id", TooLarge: "too_large", Invalid: "invalid_record", InvalidTime: "invalid_timestamp",
		InvalidName: "invalid_topic", Denied: "denied", NeverAccepted: "unsupported", Unexpected: "unexpected",
	}
}

func (c Class) String() string { return classNames()[c] }

// Classes returns the labels of walpost_produce_errors_total: those of answers, and
// "connection" for a request that could not be sent.
func Classes() []string { return append(classNames()[Moved:], Connection) }

// Connection is the label of a request that could not be sent.
const Connection = "connection"

// Answer is what became of one batch.
type Answer struct {
	Class  Class
	Code   sarama.KError
	Lost   bool   // there was no answer: the connection failed
	Text   string // in words
	Remedy string // what a person can do about it; "" for nothing
}

// TextAndRemedy says what became of the batch, and what helps.
func (a Answer) TextAndRemedy() string {
	if a.Remedy == "" {
		return a.Text
	}
	return a.Text + "; " + a.Remedy
}

// Label returns the label of walpost_produce_errors_total.
func (a Answer) Label() string {
	if a.Lost {
		return Connection
	}
	return a.Class.String()
}

// Of returns a partition's part of the response.
func Of(block *sarama.ProduceResponseBlock) Answer {
	if block == nil {
		return Answer{Class: UnknownOutcome, Text: "the answer does not name the partition"}
	}
	a := Answer{Code: block.Err}
	if a.Class, a.Remedy = classify(block.Err); a.Class == Accepted {
		return a
	}
	a.Text = CodeText(block.Err)
	if block.ErrorMessage != nil && *block.ErrorMessage != "" {
		a.Text += ": " + *block.ErrorMessage
	}
	for _, r := range block.RecordErrors {
		if r.BatchIndexErrorMessage != nil {
			a.Text += ": " + *r.BatchIndexErrorMessage
			break
		}
	}
	return a
}

// None returns the answer for a request that failed as a whole. Unless it could not be
// encoded, it may have reached the broker.
func None(err error) Answer {
	var encoding sarama.PacketEncodingError
	if errors.As(err, &encoding) || errors.Is(err, sarama.ErrUnsupportedVersion) {
		a := Answer{Class: NeverAccepted, Text: err.Error()}
		if encoding.Info == "" {
			_, a.Remedy = classify(sarama.ErrUnsupportedVersion)
		}
		return a
	}
	return Answer{Class: UnknownOutcome, Lost: true, Text: err.Error()}
}

// timeRange matches the range of times that Kafka names, in milliseconds.
var timeRange = regexp.MustCompile(`should be within \[(-?\d+), -?\d+\]`)

// Earliest returns the earliest time that the topic takes, in milliseconds since 1970, if
// an InvalidTime says so: not every broker does.
func (a Answer) Earliest() (millis int64, known bool) {
	m := timeRange.FindStringSubmatch(a.Text)
	if m == nil {
		return 0, false
	}
	millis, err := strconv.ParseInt(m[1], 10, 64)
	return millis, err == nil
}

// TooOld says that a record's time is too far back.
func (a Answer) TooOld() string {
	return "the record's time, that of its commit, is further back than the topic takes: raise the topic's " +
		"message.timestamp.before.max.ms (" + a.Text + ")"
}
