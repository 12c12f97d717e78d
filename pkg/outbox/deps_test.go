package outbox_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// leaves are the rules that the package shares with the relay. Each depends on the
// standard library alone.
var leaves = []string{"pgname", "topicname"}

// Who imports the package gets the standard library and nothing else.
func TestStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		leaf, internal := strings.CutPrefix(dep, "github.com/walpost/walpost/internal/")
		if dep != "github.com/walpost/walpost/pkg/outbox" && (!internal || !slices.Contains(leaves, leaf)) {
			t.Errorf("the package needs %s", dep)
		}
	}
}
