package replication

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// stack is the Postgres that the tests of this package share.
var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
