package browser_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/internal/cli"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
)

var stack devstacktest.Stack

// asWalpost makes the test binary walpost itself, so that the race detector
// watches the process under test too.
const asWalpost = "WALPOST_TEST_AS_WALPOST"

func TestMain(m *testing.M) {
	if os.Getenv(asWalpost) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(stack.Main(m))
}
