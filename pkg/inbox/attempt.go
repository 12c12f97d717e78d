package inbox

import (
	"context"
	"fmt"
	"time"
)

// attempt is the time of one transaction. It begins when the transaction has begun: the
// wait for a connection of a small pool is nobody's fault, and the session's end ends it.
// From then on it outlives the session, so that what is in hand is finished, but not the
// time that a rebalance leaves for it.
type attempt struct {
	ctx     context.Context // of the transaction, from the wait for a connection on
	end     context.CancelCauseFunc
	detach  func() bool // lets the attempt outlive the session; false: it has ended
	timeout time.Duration
	timer   *time.Timer
}

var errAttemptTimeout = fmt.Errorf("inbox: AttemptTimeout has passed: %w", context.DeadlineExceeded)

func newAttempt(session context.Context, timeout time.Duration) *attempt {
	a := &attempt{timeout: timeout}
	a.ctx, a.end = context.WithCancelCause(context.WithoutCancel(session))
	a.detach = context.AfterFunc(session, func() { a.end(errEnded) })
	return a
}

// begun starts the time. It returns the context of what is done in the transaction, whose
// deadline the caller's statements see, and what releases it.
func (a *attempt) begun() (context.Context, context.CancelFunc) {
	if !a.detach() {
		a.end(errEnded) // the session has ended: so has this, also if its goroutine has yet to say so
		return context.WithCancel(a.ctx)
	}
	a.timer = time.AfterFunc(a.timeout, func() { a.end(errAttemptTimeout) })
	return context.WithTimeoutCause(a.ctx, a.timeout, errAttemptTimeout)
}

// close releases the attempt's timer and contexts.
func (a *attempt) close() {
	a.detach()
	if a.timer != nil {
		a.timer.Stop()
	}
	a.end(context.Canceled)
}
