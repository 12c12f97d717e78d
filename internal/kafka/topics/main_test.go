package topics_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// stack has the servers that the tests of this package share.
var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
