package deploy_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process starts a command and ends it with the test: by SIGTERM, as a process
// supervisor does.
func process(t *testing.T, cmd *exec.Cmd) *output {
	t.Helper()
	wrote := &output{}
	cmd.Stdout, cmd.Stderr = wrote, wrote
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(cmd.Path), wrote)
		}
	})
	return wrote
}

// walpost is the command line as a process of its own: this test binary.
func walpost(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, args...)
	cmd.Env = append(os.Environ(), asWalpost+"=1")
	return cmd
}

var listens = regexp.MustCompile(`"admin server listens".*"address":"([^"]+)"`)

// startRelay runs a file whose admin server listens on a free port until the test
// ends, and gives that address when the relay streams.
func startRelay(t *testing.T, yaml string) (address string) {
	t.Helper()
	wrote := process(t, walpost(t, "run", "-c", write(t, "relay.yaml", yaml)))
	await(t, "the relay to stream", func() bool {
		found := listens.FindStringSubmatch(wrote.String())
		if found == nil {
			return false
		}
		address = found[1]
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return address
}

// write makes a file in a folder of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// patience is for a machine that does much else.
const patience = 2 * time.Minute

// await waits for a condition.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
		<-tick.C
	}
}
