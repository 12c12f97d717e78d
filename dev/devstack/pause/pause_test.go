package pause_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/dev/devstack/pause"
)

func TestVirtualPassesInABubbleOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		begun := time.Now()
		pause.Virtual(24 * time.Hour)
		if passed := time.Since(begun); passed != 24*time.Hour {
			t.Errorf("%s passed, want a day", passed)
		}
	})
	defer func() {
		if recover() == nil {
			t.Error("a virtual pause outside of a bubble does not panic")
		}
	}()
	pause.Virtual(time.Nanosecond)
}

func TestRealPauses(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	pause.Real(t, time.Millisecond, "is what this test measures")
	if passed := time.Since(begun); passed < time.Millisecond {
		t.Errorf("%s passed, want a millisecond at least", passed)
	}
}
