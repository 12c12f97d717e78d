package devstack

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is the pause between two looks at a condition.
const pollEvery = 10 * time.Millisecond

// errGiveUp marks a condition that can no longer come true.
var errGiveUp = errors.New("given up")

// poll looks until ready returns nil, returns an error that wraps errGiveUp, or ctx is done.
func poll(ctx context.Context, ready func() error) error {
	var notReady error
	err := Poll(ctx, pollEvery, func() (bool, error) {
		notReady = ready()
		if errors.Is(notReady, errGiveUp) {
			return false, notReady
		}
		return notReady == nil, nil
	})
	if err == nil || errors.Is(err, errGiveUp) {
		return err
	}
	return fmt.Errorf("%w: %w", err, notReady)
}

// Poll asks again and again until done reports true or returns an error. It returns the cause when ctx ends before.
func Poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
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
