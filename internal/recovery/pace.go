package recovery

import (
	"context"

	"golang.org/x/time/rate"
)

// newPace returns a limit of so many records a second, or nil for none. What a hundredth
// of a second has room for may come at once: a timer for each record would take longer
// than the wait.
func newPace(perSecond float64) *rate.Limiter {
	const perBurst, maxBurst = 100, 1 << 20
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(min(perSecond/perBurst, maxBurst))))
}

// wait waits until it is time for one more record.
func (p *publisher) wait(ctx context.Context) error {
	if p.pace == nil {
		return nil
	}
	err := p.pace.Wait(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
