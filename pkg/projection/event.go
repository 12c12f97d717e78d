package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/event"
)

// Handler applies one event within the transaction. It must neither commit nor roll
// back, and must return when ctx ends. Partitions call it at the same time. An error
// rolls the transaction back; inbox.Classify says what it means.
type Handler[Tx any] func(ctx context.Context, tx Tx, e *Event) error

// Event is one record of Kafka. It is valid during the call of the handler: keep copies of
// its slices, not the slices.
type Event struct {
	// Topic, Partition and Offset are where the record is.
	Topic     string
	Partition int32
	Offset    int64

	// ID is the header of Config.IDHeader, and Type that of Config.TypeHeader; "" when there
	// is none.
	ID   string
	Type string

	// Key and Payload are the record's key and value. Nil is Kafka's null: no key, or
	// a tombstone.
	Key     []byte
	Payload []byte

	// Headers are all of the record's, in order. A name may come more than once.
	Headers []inbox.Header

	// Time is the record's timestamp. From walpost: when the transaction committed
	// that wrote the event.
	Time time.Time

	feed *feed
}

// eventOf is the event of a record.
func (f *feed) eventOf(m *sarama.ConsumerMessage) *Event {
	e := &Event{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Payload: m.Value, Time: m.Timestamp,
		Headers: event.Headers[inbox.Header](m.Headers), feed: f,
	}
	id, _ := e.Header(f.projection.config.IDHeader)
	kind, _ := e.Header(f.projection.config.TypeHeader)
	e.ID, e.Type = string(id), string(kind)
	return e
}

// Header returns the value of the last header of that name. ok reports whether there is one.
func (e *Event) Header(name string) (value []byte, ok bool) { return event.Last(e.Headers, name) }

// String returns topic, partition, offset and id of the record, and no data.
func (e *Event) String() string {
	return fmt.Sprintf("%s/%d offset %d (id %q)", e.Topic, e.Partition, e.Offset, e.ID)
}

// Table returns where to write what belongs into this table of Config.Tables: the table
// itself, or during a rebuild the one that will take its place.
func (e *Event) Table(name string) string {
	if e.feed == nil {
		return name
	}
	return e.feed.table(name)
}

// Rebuilding reports whether Rebuild applies the event. Such an event is an old one: what
// leads out of the tables (a mail, a request) should not be done again.
func (e *Event) Rebuilding() bool { return e.feed != nil && e.feed.shadow }
