package devstacktest_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// A script can be run as soon as it is written, whatever else is started meanwhile.
func TestScriptIsNeverBusy(t *testing.T) {
	t.Parallel()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 50 {
				if err := exec.CommandContext(t.Context(), devstacktest.Script(t, "exit 0")).Run(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
}

// program is a file that is written and can be run.
var program = regexp.MustCompile(`os\.(WriteFile|OpenFile)\(.*, 0o?[0-7]*[1357][0-7]{2}\)`)

// Nobody but Script writes programs, so that none is ever busy. One that is built, by a
// compiler that is a process of its own, never is.
func TestScriptIsTheOnlyWriterOfPrograms(t *testing.T) {
	t.Parallel()
	const root = "../../.."
	looked := 0
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || filepath.Base(path) == "script.go" {
			return err
		}
		text, err := os.ReadFile(path)
		looked++
		if found := program.Find(text); found != nil {
			t.Errorf("%s: %s: take devstacktest.Script", path, found)
		}
		return err
	})
	if err != nil || looked < 100 {
		t.Errorf("%d files: %v", looked, err)
	}
}
