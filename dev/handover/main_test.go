//go:build faults

package handover_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }
