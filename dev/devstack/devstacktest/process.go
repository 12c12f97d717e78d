package devstacktest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// Process is a program that a test runs beside itself.
type Process struct {
	Cmd *exec.Cmd
	Log *Output // what it has written so far, to stdout and to stderr

	done chan struct{} // closed when it has ended
}

// Again is the test binary as another process. The environment tells its TestMain what to be there.
func Again(t testing.TB, env ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary) //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// Start runs a command, which is killed when the test ends and must not have shown the canary. A failed test shows what
// it wrote.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, Log: &Output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.Log, p.Log
	devstack.DieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // a frozen one too
		<-p.done
		KeepsSecret(t, "what the process wrote", p.Log.String())
		if t.Failed() {
			t.Logf("process %d wrote:\n%s", cmd.Process.Pid, p.Log)
		}
	})
	return p
}

// Signal sends one.
func (p *Process) Signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v; it wrote:\n%s", err, p.Log)
	}
}

// Terminate is SIGTERM.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
}

// Kill is SIGKILL; it returns when the process is gone.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.Signal(t, os.Kill)
	<-p.done
}

// KillAnyway is Kill of a process that may have ended by itself, and returns with which exit code: -1 if it was killed.
func (p *Process) KillAnyway(t testing.TB) (code int) {
	t.Helper()
	if err := p.Cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-p.done
	return p.Cmd.ProcessState.ExitCode()
}

// Exits waits for the end and compares the exit code. What the process wrote must hold the texts.
func (p *Process) Exits(t testing.TB, code int, texts ...string) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(Patience):
		t.Fatalf("still there after %s; it wrote:\n%s", Patience, p.Log)
	}
	if got := p.Cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s, want exit code %d; it wrote:\n%s", p.Cmd.ProcessState, code, p.Log)
	}
	for _, text := range texts {
		if !strings.Contains(p.Log.String(), text) {
			t.Errorf("%q is not in what it wrote:\n%s", text, p.Log)
		}
	}
}

// Writes waits until the process has written a text.
func (p *Process) Writes(t testing.TB, text string) {
	t.Helper()
	p.Until(t, text, func() bool { return strings.Contains(p.Log.String(), text) })
}

// Until waits for a condition, which must come true while the process lives.
func (p *Process) Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Await(t, what, func() bool {
		over := p.ended() // before ok is asked, which may have come true at the end
		if ok() {
			return true
		}
		if over {
			t.Fatalf("waiting for %s: the process has ended, %s; it wrote:\n%s", what, p.Cmd.ProcessState, p.Log)
		}
		return false
	})
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
