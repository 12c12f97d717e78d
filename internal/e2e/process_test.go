package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/devstack/devstacktest"
)

// process is walpost running by itself.
type process struct {
	cmd  *exec.Cmd
	log  *output
	done chan struct{} // closed when it has ended
}

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

// walpost starts this test binary as walpost. It is killed when the test ends.
func walpost(t *testing.T, args ...string) *process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, binary, args...)
}

// launch starts any program as walpost.
func launch(t *testing.T, program string, args ...string) *process {
	t.Helper()
	return launchIn(t, "", program, args...)
}

// launchIn starts it with a folder for all that a program may leave somewhere.
func launchIn(t *testing.T, folder, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), program, args...), log: &output{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asWalpost+"=1")
	if folder != "" {
		p.cmd.Dir = folder
		p.cmd.Env = append(p.cmd.Env, "HOME="+folder, "TMPDIR="+folder)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		<-p.done // the test's context is done, which kills it
		devstacktest.KeepsSecret(t, "what the process wrote", p.log.String())
		if t.Failed() {
			t.Logf("process %d wrote:\n%s", p.cmd.Process.Pid, p.log)
		}
	})
	return p
}

// ended tells whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill is SIGKILL; it returns when the process is gone.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatalf("%v; it wrote:\n%s", err, p.log)
	}
	<-p.done
}

// terminate is SIGTERM.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("%v; it wrote:\n%s", err, p.log)
	}
}

// exits waits for the end and compares the exit code.
func (p *process) exits(t *testing.T, code int, texts ...string) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("still there after %s; it wrote:\n%s", patience, p.log)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s, want exit code %d; it wrote:\n%s", p.cmd.ProcessState, code, p.log)
	}
	for _, text := range texts {
		if !strings.Contains(p.log.String(), text) {
			t.Errorf("%q is not in what it wrote:\n%s", text, p.log)
		}
	}
}

// writes waits until the process has written a text.
func (p *process) writes(t *testing.T, text string) {
	t.Helper()
	p.until(t, text, func() bool { return strings.Contains(p.log.String(), text) })
}

// until waits for a condition while the process lives.
func (p *process) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await(t, what, func() bool {
		over := p.ended() // before ok is asked, which may have come true at the end
		if ok() {
			return true
		}
		if over {
			t.Fatalf("waiting for %s: the process has ended, %s; it wrote:\n%s", what, p.cmd.ProcessState, p.log)
		}
		return false
	})
}

var listens = regexp.MustCompile(`"address":"([^"]+)"`)

// get asks the admin server, whose address the process has logged; 0 while it
// does not answer.
func (p *process) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	found := listens.FindStringSubmatch(p.log.String())
	if found == nil {
		return 0, ""
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+found[1]+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	devstacktest.KeepsSecret(t, path, string(text))
	return resp.StatusCode, string(text)
}

// ready waits until /readyz is 200.
func (p *process) ready(t *testing.T) {
	t.Helper()
	p.until(t, "/readyz", func() bool {
		code, _ := p.get(t, "/readyz")
		return code == http.StatusOK
	})
}

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// await waits for a condition.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
		<-tick.C
	}
}
