package deadletter

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/header"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/event"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// Record is a dead letter, of pkg/inbox or of walpost's relay, which leaves some fields
// zero.
type Record struct {
	// Topic, Partition and Offset are where the dead letter is.
	Topic     string
	Partition int32
	Offset    int64

	// Event is the record as it was, where it was; its Headers are without those of
	// the dead letter. Partition and Offset are -1 when they are not known.
	Event inbox.Event

	Group       string    // the consumer group that could not process it
	Reason      string    // undecodable, permanent or exhausted; others from the relay
	Class       string    // the error's SQLSTATE or Go type
	Error       string    // the error's text
	Attempts    int       // of the handler
	FirstFailed time.Time // when the first attempt began
	Time        time.Time // when it was given up
	Redrives    int       // how often it had been put back before
	Position    string    // of the relay alone: commit LSN and ordinal of the row, as in its position header

	// Incomplete says what the dead letter lacks of its record, because the record was
	// larger than the dead letter topic takes; "" when it has all of it. Redrive then puts
	// back the record itself, if it is still at Event.Topic, Partition and Offset. A row of
	// the relay's may still be in its table.
	Incomplete string

	// Stays says why Redrive leaves the dead letter where it is: ErrTopic, ErrGone or
	// ErrRefused, which may be wrapped. Nil when it does not.
	Stays error

	Handled   string    // what has been done with it: Redriven, Discarded or, when nothing has, ""
	HandledAt time.Time // when that was

	timestamp string       // of its record, as the dead letter has it
	whole     *inbox.Event // the record itself, read for a dead letter that is Incomplete
}

// What may have been done with a dead letter.
const (
	Redriven  = "redriven"
	Discarded = "discarded"
)

// Why a dead letter stays where it is.
var (
	// ErrTopic means that the dead letter names a topic that Config.To does not allow.
	ErrTopic = errors.New("it names a topic that it may not be put back to")
	// ErrGone means that the dead letter lacks a part of its record, and that the record is
	// not in its topic any more, or cannot be read.
	ErrGone = errors.New("it lacks a part of its record, and the record is gone")
	// ErrRefused means that Kafka refuses the record, or any record for this topic: it is
	// too large, or the topic is missing or denied.
	ErrRefused = errors.New("its topic cannot have it")
)

func isOurs(name string) bool {
	return strings.HasPrefix(name, dlt.HeaderPrefix) || name == dlt.HeaderRedrives
}

// recordOf reads a dead letter. ok is false for a record that is none: it does not say
// where it was.
func recordOf(m *sarama.ConsumerMessage, config *Config) (record Record, ok bool) {
	ours, own := header.Split(m.Headers, isOurs)
	if ours[dlt.HeaderTopic] == "" {
		return Record{}, false
	}
	original := *m
	original.Headers = own
	original.Topic, original.Timestamp = ours[dlt.HeaderTopic], ours.Time(dlt.HeaderTimestamp)
	original.Partition, original.Offset = ours.Int32(dlt.HeaderPartition, -1), ours.Int64(dlt.HeaderOffset, -1)
	return Record{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Event: eventOf(&original, config),
		Group: ours[dlt.HeaderGroup], Reason: ours[dlt.HeaderReason], Class: ours[dlt.HeaderClass], Error: ours[dlt.HeaderError],
		Attempts: int(ours.Int32(dlt.HeaderAttempts, 0)), Redrives: int(ours.Int32(dlt.HeaderRedrives, 0)),
		FirstFailed: ours.Time(dlt.HeaderFirstFailed), Time: ours.Time(dlt.HeaderTime),
		Position: ours[dlt.HeaderPosition], Incomplete: ours[dlt.HeaderIncomplete], timestamp: ours[dlt.HeaderTimestamp],
	}, true
}

// eventOf returns the event of a record. One without an id may be put back all the same.
func eventOf(m *sarama.ConsumerMessage, config *Config) inbox.Event {
	e := inbox.Event{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Payload: m.Value, Time: m.Timestamp,
		Headers: event.Headers[inbox.Header](m.Headers),
	}
	id, _ := e.Header(config.IDHeader)
	kind, _ := e.Header(config.TypeHeader)
	e.ID, e.Type = string(id), string(kind)
	return e
}

// message returns the record as it goes back: key, value and headers as they were, and
// how often that was. Its timestamp is the time it goes back, or retention, which counts
// from there, might take it at once.
func (r *Record) message() *sarama.ProducerMessage {
	e := &r.Event
	if r.whole != nil {
		e = r.whole
	}
	m := &sarama.ProducerMessage{Topic: e.Topic, Partition: e.Partition, Key: writer.Bytes(e.Key), Value: writer.Bytes(e.Payload)}
	for _, h := range e.Headers {
		if h.Name != dlt.HeaderRedrives {
			m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
		}
	}
	m.Headers = append(m.Headers, header.New(dlt.HeaderRedrives, strconv.Itoa(r.Redrives+1)))
	return m
}
