package inbox

import (
	"errors"
	"strings"

	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
)

// attemptError is an error of a transaction: of the handler, the database or the driver. Its
// text may quote data.
type attemptError struct {
	step string
	err  error
}

func (e *attemptError) Error() string { return e.step + e.err.Error() }
func (e *attemptError) Unwrap() error { return e.err }

// withoutData returns the text without what came from the handler or the database.
func (e *attemptError) withoutData() string {
	if own, ok := errors.AsType[*storeError](e.err); ok {
		return own.what + ": " + errtext.Summary(own.err)
	}
	if panicked, ok := errors.AsType[*PanicError](e.err); ok {
		return e.step + "panic: " + panicked.summary()
	}
	return e.step + errtext.Summary(e.err)
}

// errorText returns what dead letters and logs say of an error.
func (c *Config) errorText(err error) string {
	attempt, ok := errors.AsType[*attemptError](err)
	if c.ErrorText || !ok {
		return err.Error()
	}
	before, after, found := strings.Cut(err.Error(), attempt.Error())
	if !found {
		return attempt.withoutData()
	}
	return before + attempt.withoutData() + after
}
