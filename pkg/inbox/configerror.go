package inbox

import (
	"errors"
	"fmt"
)

// ErrConfig is a configuration that cannot work.
var ErrConfig = errors.New("inbox: configuration")

// ConfigError is a field of a configuration that cannot work. It is an [ErrConfig]. New
// returns all of them at once, joined: errors.As finds the first.
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
