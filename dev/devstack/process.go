package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// tailBytes is how much of a server's log an error quotes.
const tailBytes = 4 << 10

// announce tells the guard the number of the process before the process becomes the server. While it has not, it holds
// the guard's pipe open, so there is no moment in which our death would leave a server nobody knows of.
const announce = `echo "add $$" >&3 && exec "$@" 3>&-`

// process is one server process and what it has written.
type process struct {
	cmd  *exec.Cmd
	log  string        // file with standard output and error
	from int64         // where this process' part of it begins
	done chan struct{} // closed when it has been reaped
}

// start runs a command in the guard's folder, its output appended to the file log there. The process lives on after ctx.
func (g *guard) start(ctx context.Context, log string, argv ...string) (*process, error) {
	path := g.path(log)
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // a log that other accounts may read
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own copy
	from, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cmd := g.command(ctx, out, argv)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe == nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], os.ErrClosed)
	}
	cmd.ExtraFiles = []*os.File{g.pipe}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	p := &process{cmd: cmd, log: path, from: from, done: make(chan struct{})}
	g.children.Go(func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		g.forget(cmd.Process.Pid)
	})
	return p, nil
}

// command is one that runs in the guard's folder, and prints to out.
func (g *guard) command(ctx context.Context, out io.Writer, argv []string) *exec.Cmd {
	//nolint:gosec // the servers we found
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", append([]string{"-c", announce, "sh"}, argv...)...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // errors are recognized by their English words
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = g.owner.attributes()
	return cmd
}

// run runs a command to its end and returns an error with what it printed when it fails.
func (g *guard) run(ctx context.Context, log string, argv ...string) error {
	p, err := g.start(ctx, log, argv...)
	if err != nil {
		return err
	}
	if err := p.wait(ctx); err != nil {
		return errors.Join(err, p.kill(ctx))
	}
	if !p.cmd.ProcessState.Success() {
		return p.failure()
	}
	return nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ended reports whether the process has been reaped.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait returns when the process has ended, or with an error when ctx is done first.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %d has not ended: %w", p.pid(), context.Cause(ctx))
	}
}

// failure says how the process ended, with the end of its log.
func (p *process) failure() error {
	return fmt.Errorf("%s: %s; it wrote:\n%s", p.name(), p.cmd.ProcessState, p.tail())
}

// name is the program, without the shell that started it.
func (p *process) name() string { return p.cmd.Args[4] }

// tail is the end of what this process has written.
func (p *process) tail() string { return tail(p.log, p.from) }

// tail is the end of a file, from an offset at the earliest.
func tail(path string, from int64) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	data = data[min(from, int64(len(data))):]
	return strings.TrimSpace(string(data[max(0, len(data)-tailBytes):]))
}

// signal sends a signal to the process alone; one that has ended is no error.
func (p *process) signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s to process %d: %w", sig, p.pid(), err)
	}
	return nil
}

// kill ends the process and its children with SIGKILL and returns when they are gone.
func (p *process) kill(ctx context.Context) error {
	if p.ended() {
		return nil
	}
	if err := p.pause(); err != nil { // a stopped parent starts no more children
		return err
	}
	family := children(p.pid())
	for _, pid := range family {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // SIGKILL needs no patience, and a half-killed server helps nobody
	if err := p.wait(ctx); err != nil {
		return err
	}
	return poll(ctx, func() error {
		for _, pid := range family {
			if alive(pid) {
				return fmt.Errorf("process %d has not ended", pid)
			}
		}
		return nil
	})
}

// pause freezes the process and its children with SIGSTOP, and returns when they
// are: on a busy machine a thread that runs goes on for a moment.
func (p *process) pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	pids := append(children(p.pid()), p.pid())
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended by itself
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(frozenWithin); !allFrozen(pids); <-tick.C {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d is not frozen after %s", p.pid(), frozenWithin)
		}
	}
	return nil
}

// frozenWithin is how long a thread may take to notice SIGSTOP.
const frozenWithin = time.Minute

// resume ends a pause.
func (p *process) resume() error {
	for _, pid := range children(p.pid()) {
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended by itself
	}
	return p.signal(syscall.SIGCONT)
}
