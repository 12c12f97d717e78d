package e2e_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }

// process is walpost running by itself.
type process struct{ *clitest.Walpost }

// walpost starts this test binary as walpost. It is killed when the test ends.
func walpost(t *testing.T, args ...string) *process {
	t.Helper()
	return &process{clitest.Start(t, args...)}
}

// launch starts another binary of walpost.
func launch(t *testing.T, program string, args ...string) *process {
	t.Helper()
	return &process{clitest.StartCommand(t, exec.CommandContext(t.Context(), program, args...))}
}
