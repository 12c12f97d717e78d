package inbox

import (
	"errors"
	"fmt"
)

// ErrConfig means that a configuration cannot work. Each such error is a [*ConfigError].
var ErrConfig = errors.New("inbox: configuration")

// ConfigError says which field of a configuration cannot work, and why. errors.Is finds
// [ErrConfig] in it. New joins those of all fields; errors.As finds the first.
type ConfigError struct {
	Field  string // like "Table" or "Retry.Max"
	Reason string
}

// Error names the field and the reason.
func (e *ConfigError) Error() string { return ErrConfig.Error() + ": " + e.Field + ": " + e.Reason }

// Unwrap returns ErrConfig.
func (e *ConfigError) Unwrap() error { return ErrConfig }

func badConfig(field, format string, args ...any) error {
	return &ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// faults are what is wrong with a configuration.
type faults []error

func (f *faults) refuse(when bool, field, format string, args ...any) {
	if when {
		*f = append(*f, badConfig(field, format, args...))
	}
}
