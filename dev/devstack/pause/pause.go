// Package pause owns every wait of the tests that is for time and not for a condition. The linter forbids time.Sleep and
// its like in all other tests, so that the real pauses can be counted and each has its reason.
package pause

import (
	"testing"
	"time"
)

// Real lets real time pass, where time itself is what the test needs: the length of an outage, the random moment of a
// kill, an answer that must not come. Whoever waits for something to happen takes devstacktest.Await.
func Real(t testing.TB, d time.Duration, _ string) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// Virtual lets virtual time pass in a bubble of testing/synctest, where a pause costs nothing. Outside of a bubble it
// panics.
func Virtual(d time.Duration) {
	if time.Now().Year() > bubbleYears {
		//nolint:forbidigo // a test is wrong, and there is no T to tell it to
		panic("pause.Virtual outside of a bubble of testing/synctest")
	}
	time.Sleep(d) //nolint:forbidigo // time is virtual here
}

// bubbleYears is the last year that a bubble reaches: its clock begins with the year 2000.
const bubbleYears = 2020
