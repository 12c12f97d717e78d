package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// initialize runs `walpost init` and shows what it says.
func initialize(ctx context.Context, s *screen, walpost string, c configuration) error {
	s.say("")
	s.say("%s", s.bold("$ walpost init -c "+filepath.Base(c.path)))
	cmd := exec.CommandContext(ctx, walpost, "init", "-c", c.path) //nolint:gosec // the binary we show
	cmd.SysProcAttr = childAttributes()
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return fmt.Errorf("walpost init: %w; it wrote:\n%s", errors.Join(err, context.Cause(ctx)), text)
	}
	s.say("%s", indent(text))
	return nil
}

// relay is one run of the walpost binary.
type relay struct {
	cmd      *exec.Cmd
	config   configuration
	log      string // file with what it writes
	expected atomic.Bool
	done     chan struct{}
	err      error // how it ended; to be read after done
}

// startRelay starts `walpost run`. When it ends without being asked to, fail is told.
func startRelay(ctx context.Context, walpost string, c configuration, log string, fail func(error)) (*relay, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()                                                  // the child has its own copy
	cmd := exec.CommandContext(context.WithoutCancel(ctx), walpost, "run", "-c", c.path) //nolint:gosec // the binary we show
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("walpost run: %w", err)
	}
	r := &relay{cmd: cmd, config: c, log: log, done: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.done)
		if !r.expected.Load() {
			fail(r.failure("ended by itself, " + r.cmd.ProcessState.String()))
		}
	}()
	return r, nil
}

// errNotReady is why the wait for a relay ends without one.
var errNotReady = errors.New("not ready")

// ready waits until the admin server says that the relay streams and Kafka answers.
func (r *relay) ready(ctx context.Context) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNotReady)
	defer cancel()
	err := poll(ctx, 5*time.Millisecond, func() (bool, error) { return r.answers(ctx) })
	if errors.Is(err, errNotReady) {
		return r.failure(fmt.Sprintf("does not stream after %s", patience))
	}
	return err
}

// answers asks the admin server whether the relay is ready.
func (r *relay) answers(ctx context.Context) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.config.admin+"/readyz", http.NoBody)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, nil //nolint:nilerr // it does not listen yet; if it has ended, the context is done
	}
	return response.StatusCode == http.StatusOK, response.Body.Close()
}

func (r *relay) pid() int { return r.cmd.Process.Pid }

// kill ends the relay with SIGKILL.
func (r *relay) kill() error {
	r.expected.Store(true)
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-r.done
	return nil
}

// stop ends the relay with SIGTERM and demands exit status 0.
func (r *relay) stop() error {
	r.expected.Store(true)
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	const patience = 15 * time.Second
	select {
	case <-r.done:
	case <-time.After(patience):
		return errors.Join(r.failure(fmt.Sprintf("still runs %s after SIGTERM", patience)), r.kill())
	}
	if r.err != nil {
		return r.failure("was asked to stop by SIGTERM and ended with " + r.err.Error())
	}
	return nil
}

// failure says what the relay did, with the end of its log.
func (r *relay) failure(what string) error {
	const quoted = 2 << 10
	data, err := os.ReadFile(r.log)
	if err != nil {
		data = []byte(err.Error())
	}
	return fmt.Errorf("walpost run (process %d) %s; it wrote last:\n%s", r.pid(), what, strings.TrimSpace(string(data[max(0, len(data)-quoted):])))
}

// indent sets every line in a little.
func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
