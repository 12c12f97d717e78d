package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// program is one run of a binary that the show needs.
type program struct {
	name     string
	cmd      *exec.Cmd
	log      string // file with what it writes
	expected atomic.Bool
	done     chan struct{}
	err      error // how it ended; to be read after done
}

// startProgram starts a binary whose output goes to the file log. When it ends without being asked to, fail is told.
func startProgram(ctx context.Context, name, log string, fail func(error), env []string, binary string, args ...string) (*program, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()                                     // the child has its own copy
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, args...) //nolint:gosec // the binaries we show
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = file, file
	asChild(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &program{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
		if !p.expected.Load() {
			fail(p.failure("ended by itself, " + p.cmd.ProcessState.String()))
		}
	}()
	return p, nil
}

// asChild puts a command in a process group of its own, so that Ctrl-C on the terminal is for the demo alone, and makes
// its process die with the demo.
func asChild(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	devstack.DieWithParent(cmd)
}

func (p *program) pid() int { return p.cmd.Process.Pid }

// kill ends the program with SIGKILL.
func (p *program) kill() error {
	p.expected.Store(true)
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// stop ends the program with SIGTERM and demands exit status 0.
func (p *program) stop() error {
	p.expected.Store(true)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	const patience = 15 * time.Second
	select {
	case <-p.done:
	case <-time.After(patience):
		return errors.Join(p.failure(fmt.Sprintf("still runs %s after SIGTERM", patience)), p.kill())
	}
	if p.err != nil {
		return p.failure("was asked to stop by SIGTERM and ended with " + p.err.Error())
	}
	return nil
}

// finish waits until the program has ended by itself, as it should, and demands exit status 0.
func (p *program) finish(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p.err != nil {
		return p.failure("ended with " + p.err.Error())
	}
	return nil
}

// failure says what the program did, with the end of its log.
func (p *program) failure(what string) error {
	const quoted = 2 << 10
	data, err := os.ReadFile(p.log)
	if err != nil {
		data = []byte(err.Error())
	}
	return fmt.Errorf("%s (process %d) %s; it wrote last:\n%s", p.name, p.pid(), what,
		strings.TrimSpace(string(data[max(0, len(data)-quoted):])))
}
