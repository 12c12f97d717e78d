package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/walpost/walpost/pkg/outbox"
)

// Stream is the events of one aggregate.
type Stream struct {
	Type string // the kind of thing, like "order": the relay makes the topic of it
	ID   string // the one thing: the record's key
}

// String returns type and id of the stream.
func (s Stream) String() string { return fmt.Sprintf("%s %q", s.Type, s.ID) }

// Event is an event to append. Its fields are those of [outbox.Event]; aggregate type and id are
// those of the stream.
type Event struct {
	ID            string
	Type          string
	Payload       any
	Headers       []outbox.Header
	SchemaVersion int32
}

// ErrConflict means that the aggregate is not at the version that was expected. It
// comes inside of a [*ConflictError].
var ErrConflict = errors.New("eventstore: the aggregate was changed meanwhile")

// ConflictError says which versions differ.
type ConflictError struct {
	Stream   Stream
	Expected int64
	Actual   int64 // below 0: not known, another transaction was faster at the same moment
}

// Error names stream and versions.
func (e *ConflictError) Error() string {
	if e.Actual < 0 {
		return fmt.Sprintf("%v: %v was expected at version %d, and another transaction has appended", ErrConflict, e.Stream, e.Expected)
	}
	return fmt.Sprintf("%v: %v was expected at version %d, and is at %d", ErrConflict, e.Stream, e.Expected, e.Actual)
}

// Unwrap returns ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Append writes events behind the expected version, which is that of the last event
// the caller knows of, 0 for a stream without events, and gives the version of the
// last one written. When the stream is at another version nothing is written and the
// error is ErrConflict. An event that is wrong is an [*outbox.EventError], before the
// database is touched. Append neither commits nor rolls back.
//
// A conflict that Append sees leaves the transaction usable. One that shows at the
// constraint (ConflictError.Actual is below 0) does not.
func (s *Store) Append(ctx context.Context, tx Tx, stream Stream, expected int64, events ...Event) (int64, error) {
	if expected < 0 {
		return 0, fmt.Errorf("eventstore: expected version %d: want 0 or more", expected)
	}
	actual, err := s.Version(ctx, tx, stream)
	if err != nil {
		return 0, err
	}
	if actual != expected {
		return 0, &ConflictError{stream, expected, actual}
	}
	rows := make([]outbox.Event, 0, len(events))
	for i, e := range events {
		rows = append(rows, rowOf(stream, expected+int64(i)+1, e))
	}
	if err := s.outbox.Write(ctx, tx, rows...); err != nil {
		if s.conflicts(err) {
			return 0, &ConflictError{stream, expected, -1}
		}
		return 0, fmt.Errorf("eventstore: append to %v: %w", stream, err)
	}
	return expected + int64(len(events)), nil
}

// rowOf is an event of a stream as the outbox takes it.
func rowOf(stream Stream, version int64, e Event) outbox.Event {
	headers := append(slices.Clone(e.Headers), outbox.Header{Name: Version, Value: strconv.FormatInt(version, 10)})
	return outbox.Event{
		ID: e.ID, AggregateType: stream.Type, AggregateID: stream.ID, Type: e.Type, Payload: e.Payload, Headers: headers,
		SchemaVersion: e.SchemaVersion,
	}
}

// conflicts reports whether the error is a violation of the constraint over aggregate and
// version, not of the primary key. It looks for the constraint's name, which Postgres
// quotes in every language.
func (s *Store) conflicts(err error) bool {
	const uniqueViolation = "23505"
	var state interface{ SQLState() string }
	return errors.As(err, &state) && state.SQLState() == uniqueViolation && strings.Contains(err.Error(), s.config.constraint())
}

// Version returns the version of a stream's last event; 0 without one.
func (s *Store) Version(ctx context.Context, tx Tx, stream Stream) (version int64, err error) {
	err = one(ctx, tx, []any{&version}, s.sql.version, stream.Type, stream.ID)
	if err != nil {
		return 0, fmt.Errorf("eventstore: version of %v: %w", stream, err)
	}
	return version, nil
}
