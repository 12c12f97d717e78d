// Package clitest runs walpost as a process of its own, for tests that signal it, kill it or ask its admin server. The
// process is the test binary itself, so that the race detector watches it too. It knows the command line and the paths
// of the admin server; what walpost does for a row is the tests' own matter.
package clitest

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli"
)

// Env is what makes the test binary walpost.
const (
	Env       = asWalpost + "=1"
	asWalpost = "WALPOST_TEST_AS_WALPOST"
)

// Main is devstacktest.Stack's Main for a package that runs walpost:
//
//	func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }
func Main(m *testing.M, stack *devstacktest.Stack) int {
	if os.Getenv(asWalpost) != "" {
		return cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	}
	return stack.Main(m)
}

// Command is walpost with these arguments.
func Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := devstacktest.Again(t, Env)
	cmd.Args = append(cmd.Args, args...)
	return cmd
}

// Walpost is a walpost that runs.
type Walpost struct{ *devstacktest.Process }

// Start runs walpost until it ends, at the latest with the test.
func Start(t testing.TB, args ...string) *Walpost {
	t.Helper()
	return StartCommand(t, Command(t, args...))
}

// StartCommand is Start for another binary of walpost, or one in another folder.
func StartCommand(t testing.TB, cmd *exec.Cmd) *Walpost {
	t.Helper()
	return &Walpost{devstacktest.Start(t, cmd)}
}

// Address is where the admin server listens, as soon as the process has said it.
func (w *Walpost) Address(t testing.TB) (address string) {
	t.Helper()
	w.Until(t, "the admin server's address", func() bool {
		found := listens.FindStringSubmatch(w.Log.String())
		if found != nil {
			address = found[1]
		}
		return found != nil
	})
	return address
}

var listens = regexp.MustCompile(`"admin server listens".*"address":"([^"]+)"`)

// Get asks the admin server; the code is 0 while it does not answer. The answer must not show the canary.
func (w *Walpost) Get(t testing.TB, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.Address(t)+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	devstacktest.KeepsSecret(t, path, string(text))
	return resp.StatusCode, string(text)
}

// Ready waits until /readyz answers 200.
func (w *Walpost) Ready(t testing.TB) {
	t.Helper()
	w.Until(t, "/readyz", func() bool {
		code, _ := w.Get(t, "/readyz")
		return code == http.StatusOK
	})
}
