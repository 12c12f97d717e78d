// Package notify tells another goroutine that something has changed. What has changed is
// kept elsewhere, under its own lock: a notification carries no value.
//
// It depends on the standard library alone.
package notify

import "sync/atomic"

// Signal wakes the one goroutine that receives from it. A notification that waits to be
// received stands for all that came meanwhile, so Notify never blocks.
type Signal chan struct{}

// NewSignal returns a Signal without a notification.
func NewSignal() Signal { return make(Signal, 1) }

// Notify leaves a notification, unless one waits already.
func (s Signal) Notify() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// Clear discards the notification that waits, if there is one.
func (s Signal) Clear() {
	select {
	case <-s:
	default:
	}
}

// Armed is a Signal for events that come far more often than somebody waits for one.
// It notifies once after each Arm. While it is not armed, Notify costs one atomic load.
type Armed struct {
	armed  atomic.Bool
	signal Signal
}

// NewArmed returns an Armed that is not armed.
func NewArmed() *Armed { return &Armed{signal: NewSignal()} }

// Arm asks for one notification of what happens from now on.
func (a *Armed) Arm() {
	a.signal.Clear()
	a.armed.Store(true)
}

// Notify leaves a notification when one was asked for.
func (a *Armed) Notify() {
	if a.armed.Load() && a.armed.Swap(false) {
		a.signal.Notify()
	}
}

// C is where the notification arrives.
func (a *Armed) C() <-chan struct{} { return a.signal }
