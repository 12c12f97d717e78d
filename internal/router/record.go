// Package router turns an outbox row into a Kafka record, with the bytes of
// Debezium's Outbox Event Router.
//
// It is pure: it knows pgoutput's relations and tuples and the column mapping,
// and neither I/O nor time nor any Kafka library. It never parses a payload.
package router

// Record is one Kafka record. Its slices alias the decoded message or the
// router's scratch memory and are valid until the next row is routed.
type Record struct {
	Topic     string // interned: equal topics share one string
	Key       []byte // nil: no key; empty and not nil: an empty key
	Value     []byte // nil: null value (tombstone)
	Headers   []Header
	Timestamp int64 // milliseconds since 1970
	Partition int32 // -1: by key
}

// Header is a record header. A nil Value is a null header value.
type Header struct {
	Name  string
	Value []byte
}

// Position is the place of a row in the stream: the order of events of one slot
// on one timeline.
type Position struct {
	CommitLSN uint64 // LSN of the commit record of its transaction
	Ordinal   uint32 // which insert into the outbox in that transaction, from 1
}

// Rejection is a row that can never become a record, with the reason as a
// stable word (the label of walpost_events_rejected_total) and the text for people.
type Rejection struct { //nolint:errname // the verdict on a row; the policy decides whether it is a failure
	Reason string // see the Reason constants
	Column string // column to look at, "" when none
	ID     string // the event's id as text, "" when NULL; cut when it is long
	Topic  string // the topic as far as it could be built
	Text   string // what is wrong, and which key of the configuration to change; never holds payload bytes

	lacks      string // what the record lacks of its row, "" when nothing
	unfinished bool   // Topic is a part only: a column of the template is NULL or empty, or the name is too long
}

func (r *Rejection) Error() string { return r.Text }

// Reasons of a rejection before Kafka is asked.
const (
	ReasonTopicName  = "invalid_topic"     // NULL, empty, illegal or reserved name
	ReasonNotAllowed = "topic_not_allowed" // outside kafka.topics.allow
	ReasonTooLarge   = "too_large"         // larger than kafka.max_message_bytes
	ReasonTimestamp  = "invalid_timestamp" // negative or infinite
	ReasonPartition  = "invalid_partition" // out of range
	ReasonMessage    = "invalid_message"   // outbox.source: message, and the content is not an event
)

// Reasons are all the words that a Rejection has for why.
func Reasons() []string {
	return []string{ReasonTopicName, ReasonNotAllowed, ReasonTooLarge, ReasonTimestamp, ReasonPartition, ReasonMessage}
}
