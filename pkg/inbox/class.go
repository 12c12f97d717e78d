package inbox

import (
	"errors"
	"fmt"

	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
)

// Class is what an error of the handler means for its record.
type Class uint8

const (
	// Unclassified leaves the decision to who is asked next; at the end it is
	// ClassTransient.
	Unclassified Class = iota
	// ClassTransient is tried again in place, with back-off, up to Retry.Attempts
	// times, and then goes the way of ClassPermanent.
	ClassTransient
	// ClassPermanent goes to the dead letter topic, or stops Run, as Config.OnReject
	// says.
	ClassPermanent
	// ClassUnavailable is tried again in place for as long as it takes, without being
	// counted: the database, or another server that no event can do without, is away.
	ClassUnavailable
	// ClassFatal stops Run with the error. The fault is not the record's: a missing
	// table, a missing right. The record comes again.
	ClassFatal
)

// String names the class in a word.
func (c Class) String() string {
	names := [...]string{"unclassified", "transient", "permanent", "unavailable", "fatal"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Transient marks an error of the handler as ClassTransient. Nil stays nil.
func Transient(err error) error { return classed(ClassTransient, err) }

// Permanent marks an error of the handler as ClassPermanent. Nil stays nil.
func Permanent(err error) error { return classed(ClassPermanent, err) }

// Unavailable marks an error of the handler as ClassUnavailable. Nil stays nil.
func Unavailable(err error) error { return classed(ClassUnavailable, err) }

// Fatal marks an error of the handler as ClassFatal. Nil stays nil.
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

// PanicError is a panic of the handler, which counts as ClassPermanent.
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

// classOf asks the error, the configuration and the rules, in this order.
func (c *Config) classOf(err error) Class {
	if marked, ok := errors.AsType[*classedError](err); ok {
		return marked.class
	}
	if c.Classify != nil {
		if class := c.Classify(err); class != Unclassified {
			return class
		}
	}
	if class := Classify(err); class != Unclassified {
		return class
	}
	return ClassTransient
}
