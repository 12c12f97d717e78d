package projection

import (
	"context"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/event"
	"github.com/walpost/walpost/pkg/inbox"
)

// Handler applies one event within the transaction. It must neither commit nor roll
// back, and must return when ctx ends. Partitions call it at the same time. An error
// rolls the transaction back; inbox.Classify says what it means.
type Handler[Tx any] func(ctx context.Context, tx Tx, e *Event) error

// Event is one record of Kafka. What it refers to belongs to the handler during the
// call alone. ID and Type are "" where the record has no such header; Attempt is not
// used.
type Event struct {
	*inbox.Event

	feed *feed
}

// eventOf returns the event of a record, with its id and type where it has them.
func eventOf(m *sarama.ConsumerMessage, config *Config) *Event {
	e := &inbox.Event{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Payload: m.Value, Time: m.Timestamp,
		Headers: event.Headers[inbox.Header](m.Headers),
	}
	id, _ := e.Header(config.IDHeader)
	kind, _ := e.Header(config.TypeHeader)
	e.ID, e.Type = string(id), string(kind)
	return &Event{Event: e}
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
