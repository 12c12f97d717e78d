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
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil || errors.Is(err, errGiveUp) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}
