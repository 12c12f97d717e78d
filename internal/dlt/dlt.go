// Package dlt has what the writers and the readers of dead letters agree on: the names of
// their headers, the default name of their topic, and what a dead letter that is too large
// for its topic keeps. Writers are the relay and
// pkg/inbox; the reader is pkg/inbox/deadletter.
package dlt

// DefaultTopic is the template of a dead letter topic; {topic} stands for the topic of the
// record.
const DefaultTopic = "{topic}.DLT"

// HeaderPrefix begins the names of all headers of a dead letter, which come after those of
// the record.
const HeaderPrefix = "walpost-dlt-"

// Headers of a dead letter. The relay writes Topic, Reason, Error, Time, Position and
// Incomplete, pkg/inbox all but Position.
const (
	HeaderTopic       = HeaderPrefix + "topic"        // where the record was; of the relay: where it was to go
	HeaderPartition   = HeaderPrefix + "partition"    // where the record was
	HeaderOffset      = HeaderPrefix + "offset"       // where the record was
	HeaderTimestamp   = HeaderPrefix + "timestamp"    // of the record, RFC 3339 in UTC
	HeaderGroup       = HeaderPrefix + "group"        // that could not process it
	HeaderReason      = HeaderPrefix + "reason"       // undecodable, permanent or exhausted; of the relay: as in its metrics
	HeaderClass       = HeaderPrefix + "class"        // the error's SQLSTATE or Go type
	HeaderError       = HeaderPrefix + "error"        // what is wrong, for people
	HeaderAttempts    = HeaderPrefix + "attempts"     // of the handler
	HeaderFirstFailed = HeaderPrefix + "first-failed" // when the first attempt began, RFC 3339 in UTC
	HeaderTime        = HeaderPrefix + "time"         // when it was given up, RFC 3339 in UTC
	HeaderPosition    = HeaderPrefix + "position"     // commit LSN and ordinal of the row
	HeaderIncomplete  = HeaderPrefix + "incomplete"   // what it lacks of its record, which was too large, for people
)

// Headers of a mark, which says what was done with a dead letter: a record of the same
// partition, without key and value.
const (
	HeaderHandled       = HeaderPrefix + "handled"        // redriven or discarded
	HeaderHandledOffset = HeaderPrefix + "handled-offset" // of the dead letter
	HeaderHandledTime   = HeaderPrefix + "handled-time"   // RFC 3339 in UTC
)

// HeaderRedrives counts on a record that was put back how often that was.
const HeaderRedrives = "walpost-redrives"
