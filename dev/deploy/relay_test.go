package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/walpost/walpost/internal/cli/clitest"
)

// startRelay runs a file whose admin server listens on a free port until the test
// ends, and gives that address when the relay streams.
func startRelay(t *testing.T, yaml string) (address string) {
	t.Helper()
	relay := clitest.Start(t, "run", "-c", write(t, "relay.yaml", yaml))
	relay.Ready(t)
	return relay.Address(t)
}

// write creates a file in a folder of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
