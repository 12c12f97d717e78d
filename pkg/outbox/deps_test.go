package outbox_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Who imports the package gets the standard library and nothing else.
func TestStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != "github.com/walpost/walpost/pkg/outbox" {
		t.Errorf("the package needs:\n%s", got)
	}
}
