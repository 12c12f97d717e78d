// Package backoff says how long to pause between attempts, and pauses.
//
// It depends on the standard library alone.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Exponential is a pause that doubles with each attempt, from Min up to Max, with jitter:
// those that failed together do not come back together.
type Exponential struct {
	Min, Max time.Duration
	Jitter   Jitter
}

// Jitter is where a pause lies, at random, around the doubled one.
type Jitter int

// The jitters.
const (
	Below  Jitter = iota // between 50 and 100 % of it: a pause is never longer than Max
	Around               // between 50 and 150 % of it: the mean is the doubled pause itself
)

// Pause returns how long to pause after so many failed attempts, from 1.
func (e Exponential) Pause(attempts int) time.Duration {
	pause := e.Min
	for i := 1; i < attempts && pause < e.Max; i++ {
		pause *= 2
	}
	pause = min(pause, e.Max)
	random := pause
	if e.Jitter == Below {
		random -= pause / 2
	}
	return pause/2 + rand.N(random+1)
}

// Sleep pauses. It returns the cause when ctx ends before.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
