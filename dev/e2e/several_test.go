package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// folder puts several files into one folder, as `run -c FOLDER` reads it.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".yaml")), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A relay that halts leaves the others of its process alone; the process says
// so, and ends with the last of them and its code.
func TestSeveralRelaysInOneProcess(t *testing.T) {
	t.Parallel()
	halts, goes := newHarness(t, nil), newHarness(t, nil)
	dir := folder(t, halts.Config.File, goes.Config.File)
	p := walpost(t, "run", "-c", dir)
	p.Ready(t)
	halts.Exec(t, relaytest.Insert("k", 1), rejected, relaytest.Insert("k", 2))
	p.Until(t, "/readyz to name the halted one", func() bool {
		code, body := p.Get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, halts.Config.Name+": halted: ") &&
			strings.Contains(body, goes.Config.Name+": streaming\n")
	})
	goes.Exec(t, relaytest.Insert("k", 1), relaytest.Insert("k", 2))
	goes.confirmed(t, p)
	if r := goes.compare(t); r.Records != 2 || r.Repeats != 0 {
		t.Errorf("the healthy one: %v", r)
	}
	if got := halts.records(t); len(got) != 1 || got[0].Number != 1 {
		t.Errorf("the halted one published %v, want what was before the rejected record", got)
	}
	if code, _ := p.Get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz %d", code)
	}
	p.Terminate(t)
	p.Exits(t, 0)

	p = walpost(t, "run", "-c", dir)
	p.Writes(t, `"halted"`)
	goes.Exec(t, relaytest.Insert("k", 3), rejected)
	p.Exits(t, 4)
	if r := goes.records(t); len(r) != 3 {
		t.Errorf("%d records of the second to halt, want the 3 before the rejected one", len(r))
	}
}
