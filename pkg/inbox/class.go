package inbox

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
)

// Class says what an error of the handler means for its record.
type Class uint8

const (
	// Unclassified leaves the decision to the next rule. After the last one the error counts
	// as ClassTransient.
	Unclassified Class = iota
	// ClassTransient is retried with back-off, in place or with a retry topic. After
	// Retry.Attempts it counts as ClassPermanent.
	ClassTransient
	// ClassPermanent is never retried: the record goes to the dead letter topic, or Run
	// ends, as Config.OnReject says.
	ClassPermanent
	// ClassUnavailable is retried in place without limit, and not counted: the database, or
	// another server that every event needs, is unavailable.
	ClassUnavailable
	// ClassFatal ends Run with the error. The fault is not in the record, but for example a
	// missing table or right. The record is delivered again at the next start.
	ClassFatal
)

// String returns the class in a word, such as "transient".
func (c Class) String() string {
	names := [...]string{"unclassified", "transient", "permanent", "unavailable", "fatal"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Transient returns err marked as ClassTransient, or nil for nil.
func Transient(err error) error { return classed(ClassTransient, err) }

// Permanent returns err marked as ClassPermanent, or nil for nil.
func Permanent(err error) error { return classed(ClassPermanent, err) }

// Unavailable returns err marked as ClassUnavailable, or nil for nil.
func Unavailable(err error) error { return classed(ClassUnavailable, err) }

// Fatal returns err marked as ClassFatal, or nil for nil.
func Fatal(err error) error { return classed(ClassFatal, err) }

func classed(class Class, err error) error {
	if err == nil {
		return nil
	}
	return &classedError{class, err}
}

// classedError is an error with its class. It reads like the error itself.
type classedError struct {
	class Class
	err   error
}

func (e *classedError) Error() string { return e.err.Error() }
func (e *classedError) Unwrap() error { return e.err }

// PanicError is the error of a handler that panicked, which counts as ClassPermanent, or of
// Config.Classify or an observer, which ends Run.
type PanicError struct {
	Value any
	Stack []byte
}

// Error returns the value of the panic. The stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// summary returns what the value is, without data.
func (e *PanicError) summary() string {
	if err, ok := e.Value.(error); ok {
		return errtext.Summary(err)
	}
	return fmt.Sprintf("%T", e.Value)
}

// classOf asks the error, the configuration and the rules, in this order. A panic of
// Config.Classify is fatal, and the error instead.
func (c *Config) classOf(err error) (class Class, because error) {
	defer func() {
		if value := recover(); value != nil {
			class, because = ClassFatal, &attemptError{"Config.Classify: ", &PanicError{value, debug.Stack()}}
		}
	}()
	if marked, ok := errors.AsType[*classedError](err); ok {
		return marked.class, err
	}
	if c.Classify != nil {
		if class = c.Classify(err); class != Unclassified {
			return class, err
		}
	}
	if class = Classify(err); class != Unclassified {
		return class, err
	}
	return ClassTransient, err
}
