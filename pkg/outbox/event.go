package outbox

// Event becomes one row of the outbox and one record in Kafka.
type Event struct {
	// ID is the event's own, by which consumers know a repeat. Empty: a new UUIDv7.
	// In a column of type uuid it must be a UUID.
	ID string

	// AggregateType names the kind of thing the event is about, like "order". The
	// relay makes the topic of it. Required.
	AggregateType string

	// AggregateID names the one thing. It is the record's key: events with the same
	// AggregateID are kept in the order of their commits. Required.
	AggregateID string

	// Type says what happened, like "OrderPlaced". Required.
	Type string

	// Payload is the record's value. []byte, json.RawMessage and string are written as
	// they are: in a column of type json or jsonb a string must be JSON text. nil, or a
	// nil []byte, is NULL, which Kafka calls a tombstone. Every other value goes through
	// Config.Codec.
	Payload any

	// Headers are further headers of the record. Each needs its column in
	// Config.Headers, for the relay takes headers from columns, and is there once at
	// most. A header of the configuration that is not here is NULL.
	Headers []Header

	// SchemaVersion is the version of the payload's schema, for
	// Config.Columns.SchemaVersion. 0 is NULL.
	SchemaVersion int32
}

// Header is a header of a record.
type Header struct{ Name, Value string }
