package projection_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Who imports the package gets sarama and what that needs: no driver, no logger, no
// metrics library, nothing of walpost but package inbox, what reads topics, and leaves.
func TestDependencies(t *testing.T) {
	t.Parallel()
	list := func(path string) []string {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps",
			"-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	const module = "github.com/walpost/walpost/"
	allowed := map[string]bool{module + "pkg/projection": true, module + "pkg/projection/internal/table": true}
	for _, leaf := range []string{"backoff", "errtext", "kafka/access", "kafka/event", "kafka/read", "neterr"} {
		allowed[module+"internal/"+leaf] = true
	}
	for _, path := range list("../inbox") {
		allowed[path] = true
	}
	for _, path := range list(".") {
		if !allowed[path] {
			t.Errorf("the package needs %s", path)
		}
	}
}
