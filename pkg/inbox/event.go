package inbox

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/kafka/event"
)

// Event is one record of Kafka. It is valid during the call of the handler: keep copies of
// its slices, not the slices.
type Event struct {
	// Topic, Partition and Offset are where the record is.
	Topic     string
	Partition int32
	Offset    int64

	// ID is the value of the header Config.IDHeader, as it is written: JSON headers have
	// quotes around it. A repeat has the same ID.
	ID string
	// Type is the value of the header Config.TypeHeader, as it is written; "" without that
	// header.
	Type string

	// Key and Payload are the record's key and value. Nil is Kafka's null: no key, or
	// a tombstone.
	Key     []byte
	Payload []byte

	// Headers are all headers of the record, in order. A name may occur more than once.
	Headers []Header

	// Time is the record's timestamp. In records of walpost it is the commit time of the
	// transaction that wrote the event.
	Time time.Time

	// Attempt is the number of this call of the handler for this delivery, from 1.
	Attempt int

	parked bool // it comes from a retry topic
}

// Header is one header of a record. A nil Value is null.
type Header struct {
	Name  string
	Value []byte
}

// Header returns the value of the last header of that name. ok reports whether there is one.
func (e *Event) Header(name string) (value []byte, ok bool) {
	return event.Last(e.Headers, name)
}

// String returns topic, partition, offset and id of the record, and no data.
func (e *Event) String() string {
	return fmt.Sprintf("%s/%d offset %d (id %q)", e.Topic, e.Partition, e.Offset, e.shownID())
}

// shownID returns the id as texts and logs show it. An id that the inbox cannot hold may be
// of any length.
func (e *Event) shownID() string {
	if len(e.ID) <= maxIDBytes {
		return e.ID
	}
	return strings.ToValidUTF8(e.ID[:maxIDBytes], "") + "…"
}

// ErrUndecodable means that a record has no id that the inbox table can hold: none, an
// empty one, one of more than 255 bytes, or one that is not text.
var ErrUndecodable = errors.New("inbox: record cannot be decoded")

// maxIDBytes keeps ids far below what an index entry of Postgres can hold.
const maxIDBytes = 255

// eventOf is the event of a record, also when it comes with ErrUndecodable.
func (c *Config) eventOf(m *sarama.ConsumerMessage) (*Event, error) {
	e := &Event{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Payload: m.Value, Time: m.Timestamp,
		Headers: event.Headers[Header](m.Headers, c.IDHeader, c.TypeHeader),
	}
	kind, _ := e.Header(c.TypeHeader)
	id, ok := e.Header(c.IDHeader)
	e.Type, e.ID = string(kind), string(id)
	switch {
	case !ok:
		return e, fmt.Errorf("%w: it has no header %q", ErrUndecodable, c.IDHeader)
	case e.ID == "":
		return e, fmt.Errorf("%w: its header %q is empty", ErrUndecodable, c.IDHeader)
	case len(e.ID) > maxIDBytes:
		return e, fmt.Errorf("%w: its header %q has %d bytes, and %d are the most", ErrUndecodable, c.IDHeader, len(e.ID), maxIDBytes)
	case !validText(e.ID):
		return e, fmt.Errorf("%w: its header %q is not UTF-8 without NUL", ErrUndecodable, c.IDHeader)
	}
	return e, nil
}

// validText reports whether Postgres can hold the text.
func validText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
