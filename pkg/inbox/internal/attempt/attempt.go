// Package attempt has the time of one attempt at a record: a context that begins with its
// transaction and outlives the session.
package attempt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Attempt is the context of one transaction. Its time begins when the transaction has
// begun: the wait for a connection of a small pool is nobody's fault, and the session's end
// ends it. From then on it outlives the session, so that what is in hand is finished, but
// not the time that a rebalance leaves for it.
//
// Each event has one. So it is one context with one timer for all statements.
type Attempt struct {
	context.Context
	end     context.CancelCauseFunc
	detach  func() bool // lets the attempt outlive the session; false: it has ended
	ended   error
	timeout time.Duration
	timer   *time.Timer
	begun   begun
}

// begun is the context of what is done in the transaction: statements of the caller see its
// deadline.
type begun struct {
	*Attempt
	deadline time.Time
}

// ErrTimeout ends an attempt whose time has passed.
var ErrTimeout = fmt.Errorf("inbox: AttemptTimeout has passed: %w", context.DeadlineExceeded)

// Open makes an attempt that has not begun of a zero Attempt; the caller closes it. ended is
// why it ends with its session.
func (a *Attempt) Open(session context.Context, timeout time.Duration, ended error) {
	a.timeout, a.ended = timeout, ended
	a.Context, a.end = context.WithCancelCause(context.WithoutCancel(session))
	a.detach = context.AfterFunc(session, func() { a.end(a.ended) })
}

// Begin starts the time, and returns the context of what is done in the transaction.
func (a *Attempt) Begin() context.Context {
	a.begun = begun{a, time.Now().Add(a.timeout)}
	if a.detach() {
		a.timer = time.AfterFunc(a.timeout, func() { a.end(ErrTimeout) })
	} else {
		a.end(a.ended) // the session has ended: so has this, also if its goroutine has yet to say so
	}
	return &a.begun
}

// Err returns context.DeadlineExceeded when the time has passed.
func (a *Attempt) Err() error {
	err := a.Context.Err()
	if err != nil && errors.Is(context.Cause(a.Context), ErrTimeout) {
		return context.DeadlineExceeded
	}
	return err
}

// Deadline returns when the time has passed.
func (b *begun) Deadline() (time.Time, bool) { return b.deadline, true }

// Close releases the timer and the context.
func (a *Attempt) Close() {
	a.detach()
	if a.timer != nil {
		a.timer.Stop()
	}
	a.end(context.Canceled)
}
