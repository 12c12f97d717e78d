package republish_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/internal/republish"
)

// A rate is kept from one record in seconds to as many as there may be.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate    float64
		records int
		want    time.Duration
	}{
		{0.5, 4, 6 * time.Second},
		{50, 51, time.Second},
		{4000, 2040, 500 * time.Millisecond}, // 40 of them at once
		{1e300, 5000, 0},
	} {
		t.Run(fmt.Sprint(c.rate), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				limiter, began := republish.NewLimiter(c.rate), time.Now()
				for range c.records {
					if err := limiter.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); (took - c.want).Abs() > time.Millisecond {
					t.Errorf("%d records took %v, want %v", c.records, took, c.want)
				}
			})
		})
	}
	if republish.NewLimiter(0) != nil {
		t.Error("no rate is a limit")
	}
}
