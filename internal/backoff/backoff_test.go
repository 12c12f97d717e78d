package backoff_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/internal/backoff"
)

func TestPauseDoublesUpToMax(t *testing.T) {
	t.Parallel()
	doubled := []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond,
	}
	for jitter, most := range map[backoff.Jitter]float64{backoff.Below: 1, backoff.Around: 1.5} {
		e := backoff.Exponential{Min: 100 * time.Millisecond, Max: 500 * time.Millisecond, Jitter: jitter}
		for i, pause := range doubled {
			var shortest, longest time.Duration = time.Hour, 0
			for range 2000 {
				got := e.Pause(i + 1)
				shortest, longest = min(shortest, got), max(longest, got)
			}
			low, high := pause/2, time.Duration(float64(pause)*most)
			if shortest < low || longest > high {
				t.Errorf("jitter %d, attempt %d: from %v to %v, want within %v and %v", jitter, i+1, shortest, longest, low, high)
			}
			if slack := (high - low) / 10; shortest > low+slack || longest < high-slack {
				t.Errorf("jitter %d, attempt %d: from %v to %v only, want all between %v and %v", jitter, i+1, shortest, longest, low, high)
			}
		}
	}
}

func TestPauseOfExtremes(t *testing.T) {
	t.Parallel()
	if got := (backoff.Exponential{}).Pause(1); got != 0 {
		t.Errorf("got %v without Min", got)
	}
	e := backoff.Exponential{Min: time.Second, Max: 365 * 24 * time.Hour, Jitter: backoff.Around}
	if got := e.Pause(1 << 30); got < e.Max/2 || got > e.Max*3/2 {
		t.Errorf("got %v after very many attempts", got)
	}
	if got := e.Pause(0); got > 2*time.Second {
		t.Errorf("got %v before the first attempt", got)
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if err := backoff.Sleep(t.Context(), time.Minute); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		because := errors.New("because")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(because) })
		begun = time.Now()
		if err := backoff.Sleep(ctx, time.Minute); !errors.Is(err, because) || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
