package main

import (
	"context"
	"time"
)

// poll asks again and again until done reports true.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if err := pauseFor(ctx, ticker.C); err != nil {
			return err
		}
	}
}

// pause lets time go by.
func pause(ctx context.Context, d time.Duration) error { return pauseFor(ctx, time.After(d)) }

// pauseFor returns at the tick, or with what has ended the context.
func pauseFor(ctx context.Context, tick <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-tick:
		return nil
	}
}
