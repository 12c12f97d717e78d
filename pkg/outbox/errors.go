package outbox

import (
	"errors"
	"fmt"
)

// What can be wrong with an event. Each comes inside of an [*EventError] that
// names the event and the field.
var (
	// ErrRequired is an empty field that must not be empty.
	ErrRequired = errors.New("is required")
	// ErrText is text that Postgres cannot hold: not UTF-8, or with a NUL.
	ErrText = errors.New("is not text that Postgres can hold")
	// ErrTopic is a topic that Kafka refuses, or that it keeps for itself.
	ErrTopic = errors.New("makes a topic name that is refused")
	// ErrTooLarge is an event over Config.MaxBytes.
	ErrTooLarge = errors.New("is too large")
	// ErrJSON is a payload that is not JSON, or not such as jsonb can hold.
	ErrJSON = errors.New("is not JSON that the column can hold")
	// ErrID is an ID that is no UUID, for a column of type uuid.
	ErrID = errors.New("is not a UUID")
	// ErrNoColumn is a header or schema version without a column in the Config.
	ErrNoColumn = errors.New("has no column in the configuration")
	// ErrCodec is a payload that the codec failed on; the codec's error is inside too.
	ErrCodec = errors.New("cannot be encoded")
)

// ErrConfig means that a configuration cannot work. Each such error is a [*ConfigError].
var ErrConfig = errors.New("outbox: configuration")

// ConfigError says which field of a configuration cannot work, and why. errors.Is finds
// [ErrConfig] in it.
type ConfigError struct {
	Field  string // like "Table" or "Columns.ID"
	Reason string
}

// Error names the field and the reason.
func (e *ConfigError) Error() string { return ErrConfig.Error() + ": " + e.Field + ": " + e.Reason }

// Unwrap returns ErrConfig.
func (e *ConfigError) Unwrap() error { return ErrConfig }

func badConfig(field, format string, args ...any) error {
	return &ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// EventError is an event that was refused before the database was touched. None of
// the events of the call was written. It never shows a payload or a header.
type EventError struct {
	Index int    // of the event in the call, from 0
	Field string // Event's field, like "AggregateType", or Headers["name"]
	Err   error  // one of this package's errors, with details
}

// Error returns which event and which field was refused, and why.
func (e *EventError) Error() string {
	return fmt.Sprintf("outbox: event %d: %s %v", e.Index, e.Field, e.Err)
}

// Unwrap returns Err.
func (e *EventError) Unwrap() error { return e.Err }

func because(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
}
