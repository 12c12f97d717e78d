package inbox

import (
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// DeadLetter is a record of a dead letter topic, of this package or of walpost's
// relay, which leaves some fields zero.
type DeadLetter struct {
	// Topic, Partition and Offset are where the dead letter is.
	Topic     string
	Partition int32
	Offset    int64

	// Event is the record as it was, where it was; its Headers are without those of
	// the dead letter. Partition and Offset are -1 when they are not known.
	Event Event

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

	// Stays says why Redrive leaves the dead letter where it is; "" when it does not.
	Stays string

	Handled   string    // what has been done with it: redriven, discarded or, when nothing has, ""
	HandledAt time.Time // when that was

	whole *Event // the record itself, read for a dead letter that is Incomplete
}

// headerRedrives counts on a record that was put back how often that was.
const headerRedrives = "walpost-redrives"

// deadLetterOf reads a dead letter. ok is false for a record that is none: it does
// not say where it was.
func deadLetterOf(m *sarama.ConsumerMessage, config *Config) (letter DeadLetter, ok bool) {
	letter = DeadLetter{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
	original := *m
	original.Headers = nil
	ours := map[string]string{}
	for _, h := range m.Headers {
		name := string(h.Key)
		if strings.HasPrefix(name, headerPrefix) || name == headerRedrives {
			ours[name] = string(h.Value)
			continue
		}
		original.Headers = append(original.Headers, unescaped(h))
	}
	original.Topic, ok = ours[headerTopic]
	original.Partition, original.Offset = int32(numberOf(ours, headerPartition, -1)), numberOf(ours, headerOffset, -1)
	original.Timestamp = timeOf(ours, headerTimestamp)
	event, _ := config.eventOf(&original) // one that cannot be decoded may be put back all the same
	letter.Event = *event
	letter.Group, letter.Reason, letter.Class, letter.Error = ours[headerGroup], ours[headerReason], ours[headerClass], ours[headerError]
	letter.Attempts, letter.Redrives = int(numberOf(ours, headerAttempts, 0)), int(numberOf(ours, headerRedrives, 0))
	letter.Position, letter.Incomplete = ours[headerPosition], ours[headerIncomplete]
	letter.FirstFailed, letter.Time = timeOf(ours, headerFirstFailed), timeOf(ours, headerTime)
	return letter, ok && original.Topic != ""
}

func numberOf(headers map[string]string, name string, none int64) int64 {
	n, err := strconv.ParseInt(headers[name], 10, 64)
	if err != nil {
		return none
	}
	return n
}

func timeOf(headers map[string]string, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, headers[name])
	if err != nil {
		return time.Time{}
	}
	return t
}

// record is the record as it goes back: key, value and headers as they were, and how
// often that was. Its timestamp is the time it goes back, or retention, which counts
// from there, might take it at once.
func (d *DeadLetter) record() *sarama.ProducerMessage {
	e := &d.Event
	if d.whole != nil {
		e = d.whole
	}
	m := &sarama.ProducerMessage{Topic: e.Topic, Partition: e.Partition, Key: bytesOf(e.Key), Value: bytesOf(e.Payload)}
	for _, h := range e.Headers {
		if h.Name == headerRedrives {
			continue
		}
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
	m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(headerRedrives), Value: []byte(strconv.Itoa(d.Redrives + 1))})
	return m
}
