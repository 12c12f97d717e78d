package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// running is walpost as a process of its own.
type running struct {
	cmd  *exec.Cmd
	logs *lines
	done chan error
}

// lines is what a process has written so far.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs this test binary as walpost. It is killed when the test ends.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{cmd: exec.CommandContext(t.Context(), binary, args...), logs: &lines{}, done: make(chan error, 1)}
	r.cmd.Env = append(os.Environ(), asWalpost+"=1")
	r.cmd.Stdout, r.cmd.Stderr = r.logs, r.logs
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.done <- r.cmd.Wait() }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("walpost wrote:\n%s", r.logs)
		}
	})
	return r
}

// until waits for a text in what the process writes.
func (r *running) until(t *testing.T, text string) {
	t.Helper()
	await(t, text, func() bool {
		select {
		case err := <-r.done:
			r.done <- err
			if !strings.Contains(r.logs.String(), text) {
				t.Fatalf("walpost ended (%v) before it wrote %q", err, text)
			}
			return true
		default:
			return strings.Contains(r.logs.String(), text)
		}
	})
}

// interrupt sends SIGTERM.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// hangUp sends SIGHUP.
func (r *running) hangUp(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// end waits for the process and compares its exit code.
func (r *running) end(t *testing.T, code int) {
	t.Helper()
	select {
	case err := <-r.done:
		exit, ok := errors.AsType[*exec.ExitError](err)
		if err != nil && !ok {
			t.Fatal(err)
		}
		if got := r.cmd.ProcessState.ExitCode(); got != code {
			t.Fatalf("exit code %d (%v), want %d", got, exit, code)
		}
		r.done <- err
	case <-time.After(time.Minute):
		t.Fatal("walpost did not end in a minute")
	}
}

// await waits for a condition.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
		<-tick.C
	}
}
