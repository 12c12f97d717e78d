package recovery

import (
	"context"
	"time"
)

// pace keeps to so many a second.
type pace struct {
	rate  float64 // 0: no limit
	begun time.Time
	done  float64
}

// wait waits until it is time for one more. Waits of less than a millisecond are
// saved up: a timer would take longer.
func (p *pace) wait(ctx context.Context) error {
	if p.rate <= 0 {
		return nil
	}
	now := time.Now()
	due := p.begun.Add(time.Duration(p.done / p.rate * float64(time.Second)))
	if p.begun.IsZero() || now.Sub(due) > time.Second { // what was held up elsewhere is not made up for in a burst
		p.begun, p.done, due = now, 0, now
	}
	p.done++
	if ahead := due.Sub(now); ahead > time.Millisecond {
		return pause(ctx, ahead)
	}
	return nil
}
