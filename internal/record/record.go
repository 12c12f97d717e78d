// Package record is what travels to Kafka: a record with its headers, its position in
// the WAL, its size, its partition, and its dead letter.
package record

import "github.com/walpost/walpost/internal/pgoutput"

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
	CommitLSN pgoutput.LSN // of the commit record of its transaction
	Ordinal   uint32       // which insert into the outbox in that transaction, from 1
}
