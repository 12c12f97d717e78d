package devstacktest

import (
	"flag"
	"testing"
)

// SkipShort skips a test in short mode, for what it needs: `go test -short` starts no server and no program that must be
// installed. Whatever starts a server for a test calls it, so that few tests have to; no test is skipped in another way.
func SkipShort(t testing.TB, needs string) {
	t.Helper()
	if testing.Short() { //nolint:forbidigo // this is the one place
		t.Skip("not in short mode: it needs " + needs) //nolint:forbidigo // the same
	}
}

// skipExamples leaves out the examples in short mode: they start servers, and cannot skip themselves.
func skipExamples() error {
	flag.Parse()
	if !testing.Short() { //nolint:forbidigo // the same
		return nil
	}
	return flag.Set("test.skip", "^Example")
}
