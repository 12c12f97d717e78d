package inbox

import (
	"time"

	"github.com/walpost/walpost/pkg/inbox/internal/backoff"
)

// wait returns the time to wait after so many attempts, from 1: First doubled for each,
// up to Max, and a random half of it left out, so that members that failed together
// do not come back together.
func (r Retry) wait(attempts int) time.Duration {
	return backoff.Exponential{Min: r.First, Max: r.Max, Jitter: backoff.Below}.Pause(attempts)
}
