package devstacktest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// SeedEnv names the environment variable that gives random tests the seed of an earlier run.
const SeedEnv = "WALPOST_TEST_SEED"

// Rand returns the source of all that is random in a test. Its seed is logged, and is taken from SeedEnv when that is
// set. A Rand is for one goroutine: another one takes Split.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(SeedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", SeedEnv, err)
		}
	}
	t.Logf("random by %s=%d", SeedEnv, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Split returns a source for another goroutine, which the seed of r decides.
func Split(r *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) }

// Upto returns a random duration below a limit.
func Upto(r *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(limit)))
}
