package devstacktest

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
)

// FreeAddress is an address, host:port, that nobody listens on, for a server that the test starts or for none. Nobody
// else takes it before the test ends.
func FreeAddress(t testing.TB) string {
	t.Helper()
	addr, release, err := devstack.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return addr
}
