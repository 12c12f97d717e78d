package e2e_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Row 17: a disk that is full or read-only is nothing to a relay that writes no file:
// not where it was started, not in the home folder, not among the temporary ones, not
// when it is killed either.
func TestRow17_NoStateOnDisk(t *testing.T) {
	t.Parallel()
	h, folder := newHarness(t, nil), t.TempDir()
	for range 2 {
		cmd := clitest.Command(t, "run", "-c", h.Config.File)
		cmd.Dir = folder
		cmd.Env = append(cmd.Env, "HOME="+folder, "TMPDIR="+folder)
		p := &process{clitest.StartCommand(t, cmd)}
		p.Ready(t)
		h.Exec(t, relaytest.Insert("k", 1), relaytest.Insert("k", 2))
		h.confirmed(t, p)
		p.Kill(t)
		h.released(t)
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		t.Errorf("it wrote %s", file.Name())
	}
}
