package devstacktest_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// A seed repeats all that is drawn, in every goroutine.
func TestRandTakesItsSeedFromTheEnvironment(t *testing.T) {
	t.Setenv(devstacktest.SeedEnv, "42")
	first, second := devstacktest.Rand(t), devstacktest.Rand(t)
	if a, b := devstacktest.Split(first), devstacktest.Split(second); a.Uint64() != b.Uint64() || first.Uint64() != second.Uint64() {
		t.Error("the same seed drew other numbers")
	}
}
