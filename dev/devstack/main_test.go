package devstack_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		os.Exit(victim())
	}
	os.Exit(stack.Main(m))
}
