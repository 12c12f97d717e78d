package inbox_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Who imports the package gets sarama and what that needs: no driver, no logger, no
// metrics library, nothing of walpost but what connects to Kafka and reads topics, and
// leaves: the hash that chooses a partition, how SQL writes names, pauses between attempts,
// names of headers.
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
	allowed := map[string]bool{}
	for _, own := range []string{
		"pkg/inbox", "pkg/inbox/deadletter", "pkg/inbox/internal/header", "pkg/inbox/internal/writer", "pkg/inbox/internal/tracker",
		"pkg/inbox/internal/digest",
		"pkg/inbox/internal/topicid",
		"internal/kafka/read", "internal/kafka/event", "internal/kafka/access", "internal/neterr", "internal/errtext",
		"internal/dlt", "internal/murmur2", "internal/pgname",
		"internal/topicname", "internal/backoff",
	} {
		allowed["github.com/walpost/walpost/"+own] = true
	}
	for _, path := range list("github.com/IBM/sarama") {
		allowed[path] = true
	}
	for _, path := range list("./deadletter") {
		if !allowed[path] {
			t.Errorf("the package needs %s", path)
		}
	}
}
