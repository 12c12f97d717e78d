package devstacktest

import (
	"testing"
	"time"
)

// Patience is how long anything may take on a busy machine. Nothing waits so long but what has failed: a limit that says
// something of walpost is one of its own, and never near to what is usual.
const Patience = 3 * time.Minute

// Await looks at a condition until it holds, and fails the test when Patience is at its end.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", Patience, what)
		}
		<-tick.C
	}
}

// Receive waits for a value of a channel, or for its end, and fails the test when Patience is at its end.
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	timeout := time.NewTimer(Patience)
	defer timeout.Stop()
	var v T
	select {
	case v = <-from:
	case <-timeout.C:
		t.Fatalf("waited %s for %s", Patience, what)
	}
	return v
}
