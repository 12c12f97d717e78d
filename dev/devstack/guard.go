package devstack

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

//go:embed guard.sh
var guardScript string

// tempParent holds every server's folder. It is not os.TempDir: the path of a Unix socket is limited to 107 bytes, and
// a TMPDIR of root's is often closed to the account that Postgres runs under.
const tempParent = "/tmp"

// guard owns a temporary folder and the processes that live in it. It is a shell process that reads the names of the
// processes from a pipe; the end of the pipe, which comes with the end of this process, is its order to kill them and
// remove the folder. Pdeathsig could not do this: it is bound to the thread that forked, not to the process.
type guard struct {
	dir   string
	owner *account
	shell *exec.Cmd

	children sync.WaitGroup // those not yet reaped

	mu   sync.Mutex
	pipe *os.File // write end; nil when closed
}

// newGuard creates a folder owned by owner (nil: by us) and the process that watches it.
func newGuard(ctx context.Context, kind string, owner *account) (*guard, error) {
	dir, err := os.MkdirTemp(tempParent, "walpost-"+kind+"-")
	if err != nil {
		return nil, fmt.Errorf("make folder for %s: %w", kind, err)
	}
	if err := owner.own(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pipe to guard of %s: %w", dir, err), os.RemoveAll(dir))
	}
	// The shell has its own copy.
	defer func() { _ = read.Close() }()
	//nolint:gosec // our script, our folder
	shell := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", guardScript, "walpost-guard", dir)
	shell.Stdin = read
	shell.Dir = "/"
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C on the terminal is for us, not for the guard
	if err := shell.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start guard of %s: %w", dir, err), write.Close(), os.RemoveAll(dir))
	}
	return &guard{dir: dir, owner: owner, shell: shell, pipe: write}, nil
}

// path names a file in the folder.
func (g *guard) path(elem ...string) string {
	return filepath.Join(append([]string{g.dir}, elem...)...)
}

// write creates a file in the folder that only its owner can read.
func (g *guard) write(name string, data []byte) (string, error) {
	path := g.path(name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return "", err
	}
	return path, g.owner.own(path)
}

// forget tells the shell that a process has been reaped, so that it never kills a stranger with the same number.
func (g *guard) forget(pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe != nil {
		_, _ = g.pipe.WriteString("del " + strconv.Itoa(pid) + "\n") // a guard that is gone kills nobody
	}
}

// close kills what still runs, removes the folder and returns when both are done.
func (g *guard) close() error {
	g.mu.Lock()
	pipe := g.pipe
	g.pipe = nil
	g.mu.Unlock()
	if pipe == nil {
		return nil
	}
	if err := errors.Join(pipe.Close(), g.shell.Wait()); err != nil {
		return fmt.Errorf("remove %s: %w", g.dir, err)
	}
	g.children.Wait()
	return nil
}
