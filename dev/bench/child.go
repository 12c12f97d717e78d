package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// child is a program under measurement. It is killed when its context is done, and with this process.
type child struct {
	cmd  *exec.Cmd
	log  string // file with its standard output and error
	exit int    // status after SIGTERM
	done chan struct{}
	err  error // how it ended; to be read after done
}

// startChild starts a program.
func startChild(ctx context.Context, log, program string, args ...string) (*child, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()               // the child has its own copy
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // the programs under measurement
	cmd.Stdout, cmd.Stderr = file, file
	devstack.DieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.err = cmd.Wait()
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// ended is an error with what the child wrote, if it has ended.
func (c *child) ended() error {
	select {
	case <-c.done:
		return c.failure("ended early")
	default:
		return nil
	}
}

// stop ends the child by SIGTERM and demands the exit status that goes with it.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	const patience = time.Minute
	select {
	case <-c.done:
	case <-time.After(patience):
		_ = c.cmd.Process.Kill() // the timeout is what is reported
		<-c.done
		return c.failure(fmt.Sprintf("still ran %s after SIGTERM", patience))
	}
	if c.cmd.ProcessState.ExitCode() != c.exit {
		return c.failure("after SIGTERM")
	}
	return nil
}

// kill ends the child at once, for the ways out where it is of no interest any more.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.done
}

// failure says how the child ended, with the end of its log.
func (c *child) failure(when string) error {
	const quoted = 2 << 10
	data, err := os.ReadFile(c.log)
	if err != nil {
		data = []byte(err.Error())
	}
	data = data[max(0, len(data)-quoted):]
	name := filepath.Base(c.cmd.Path)
	return fmt.Errorf("%s %s: %s; it wrote:\n%s", name, when, c.cmd.ProcessState, strings.TrimSpace(string(data)))
}
