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

	// Payload is the record's value. []byte and json.RawMessage are written as they
	// are; nil, or a nil []byte, is NULL, which Kafka calls a tombstone; every other
	// value, a string too, goes through Config.Codec.
	Payload any

	// Headers are further headers of the record: name to value. Each name needs its
	// column in Config.Headers, for the relay takes headers from columns. A header
	// of the configuration that is not here is NULL.
	Headers map[string]string

	// SchemaVersion is the version of the payload's schema, for
	// Config.Columns.SchemaVersion. 0 is NULL.
	SchemaVersion int32
}
