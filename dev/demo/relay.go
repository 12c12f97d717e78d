package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// initialize runs `walpost init` and shows what it says.
func initialize(ctx context.Context, s *screen, walpost string, c configuration) error {
	s.headline("$ walpost init -c " + filepath.Base(c.path))
	cmd := exec.CommandContext(ctx, walpost, "init", "-c", c.path) //nolint:gosec // the binary we show
	asChild(cmd)
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
	*program

	config configuration
}

// startRelay starts `walpost run`. When it ends without being asked to, fail is told.
func startRelay(ctx context.Context, walpost string, c configuration, log string, fail func(error)) (*relay, error) {
	p, err := startProgram(ctx, "walpost run", log, fail, nil, walpost, "run", "-c", c.path)
	if err != nil {
		return nil, err
	}
	return &relay{program: p, config: c}, nil
}

// errNotReady is why the wait for a relay ends without one.
var errNotReady = errors.New("not ready")

// ready waits until the admin server says that the relay streams and Kafka answers.
func (r *relay) ready(ctx context.Context) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNotReady)
	defer cancel()
	err := devstack.Poll(ctx, 5*time.Millisecond, func() (bool, error) { return r.answers(ctx) })
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

// indent sets every line in a little.
func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
