package eventstore

import (
	"errors"
	"fmt"

	"github.com/walpost/walpost/pkg/outbox"
)

// ErrConfig means that a configuration cannot work. Each such error is a [*ConfigError].
var ErrConfig = errors.New("eventstore: configuration")

// ConfigError says which field of a configuration cannot work, and why. errors.Is finds
// [ErrConfig] in it. New joins those of all fields; errors.As finds the first.
type ConfigError struct {
	Field  string // like "Snapshots" or "Outbox.Table"
	Reason string
}

// Error names the field and the reason.
func (e *ConfigError) Error() string { return ErrConfig.Error() + ": " + e.Field + ": " + e.Reason }

// Unwrap returns ErrConfig.
func (e *ConfigError) Unwrap() error { return ErrConfig }

// check returns all faults at once, but those that package outbox finds.
func (c *Config) check() error {
	var faults []error
	refuse := func(when bool, field, reason string) {
		if when {
			faults = append(faults, &ConfigError{Field: field, Reason: reason})
		}
	}
	const want = "%q: want table or schema.table, of small letters, digits and _"
	const mayGo = "it is for outboxes whose rows may go"
	refuse(!tableName.MatchString(c.Outbox.Table), "Outbox.Table", fmt.Sprintf(want, c.Outbox.Table))
	refuse(!tableName.MatchString(c.Snapshots), "Snapshots", fmt.Sprintf(want, c.Snapshots))
	refuse(c.Outbox.DeleteAfterWrite, "Outbox.DeleteAfterWrite", mayGo)
	refuse(c.Outbox.Partitioned, "Outbox.Partitioned", mayGo)
	return errors.Join(faults...)
}

// ofOutbox returns the faults that package outbox has found as faults of Config.Outbox.
func ofOutbox(err error) error {
	if err == nil {
		return nil
	}
	all := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		all = several.Unwrap()
	}
	var faults []error
	for _, err := range all {
		fault := &ConfigError{Field: "Outbox", Reason: err.Error()}
		var its *outbox.ConfigError
		if errors.As(err, &its) {
			fault.Field, fault.Reason = "Outbox."+its.Field, its.Reason
		}
		faults = append(faults, fault)
	}
	return errors.Join(faults...)
}
