package inbox

import (
	"context"
	"math/rand/v2"
	"time"
)

// Wait is the time to wait after so many attempts, from 1: First doubled for each,
// up to Max, and a random half of it left out, so that members that failed together
// do not come back together.
func (r Retry) Wait(attempts int) time.Duration {
	wait := r.First
	for i := 1; i < attempts && wait < r.Max; i++ {
		wait *= 2
	}
	wait = min(wait, r.Max)
	half := wait / 2
	return half + time.Duration(rand.Int64N(int64(half)+1))
}

// sleep waits, and reports whether ctx was still alive at the end.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
