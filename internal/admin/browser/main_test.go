package browser_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }
