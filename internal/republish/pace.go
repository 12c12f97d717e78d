package republish

import (
	"context"

	"golang.org/x/time/rate"
)

// newLimiter returns a limit of so many records a second, or nil for none. What a
// hundredth of a second has room for may come at once: a timer for each record would take
// longer than the wait.
func newLimiter(perSecond float64) *rate.Limiter {
	const burstsPerSecond, maxBurst = 100, 1 << 20
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(min(perSecond/burstsPerSecond, maxBurst))))
}

// pace waits until it is time for one more record.
func (p *Publisher) pace(ctx context.Context) error {
	if p.limiter == nil {
		return nil
	}
	err := p.limiter.Wait(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
