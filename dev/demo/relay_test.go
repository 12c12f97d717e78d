package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// startScript runs a script as a relay. failed has what ended the show.
func startScript(t *testing.T, body string) (r *relay, failed chan error) {
	t.Helper()
	failed = make(chan error, 1)
	r, err := startRelay(t.Context(), devstacktest.Script(t, body), configuration{path: "demo.yaml"}, filepath.Join(t.TempDir(), "log"),
		func(err error) { failed <- err })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.kill() })
	return r, failed
}

// awaitLog waits for what the script writes.
func awaitLog(t *testing.T, r *relay, text string) {
	t.Helper()
	err := devstack.Poll(t.Context(), sampleEvery, func() (bool, error) {
		data, err := os.ReadFile(r.log)
		return strings.Contains(string(data), text), err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRelayThatEndsByItselfEndsTheShow(t *testing.T) {
	t.Parallel()
	_, failed := startScript(t, "echo no such slot >&2; exit 4")
	if err := <-failed; !strings.Contains(err.Error(), "ended by itself, exit status 4") || !strings.Contains(err.Error(), "no such slot") {
		t.Errorf("got %v, want what happened with the end of the log", err)
	}
}

func TestKillIsNoFailure(t *testing.T) {
	t.Parallel()
	r, failed := startScript(t, "echo up; exec sleep 60")
	awaitLog(t, r, "up")
	if err := r.kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Errorf("a kill by the demo was taken for a failure: %v", err)
	default:
	}
	if status := r.cmd.ProcessState.String(); status != "signal: killed" {
		t.Errorf("it ended by %s, want SIGKILL", status)
	}
}

func TestStopDemandsExitCodeZero(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done":                 "",
		"trap 'echo in flight; exit 1' TERM; echo up; while :; do sleep 0.01; done": "exit status 1",
		"echo up; while :; do sleep 0.01; done":                                     "signal: terminated",
	} {
		r, _ := startScript(t, body)
		awaitLog(t, r, "up")
		err := r.stop()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
}

func TestReadyWaitsForTheAdminServer(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if asked++; asked < 3 || q.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	r := &relay{config: configuration{admin: server.Listener.Addr().String()}}
	if err := r.ready(t.Context()); err != nil || asked != 3 {
		t.Errorf("got %v after %d requests, want none after 3", err, asked)
	}
	cause := errors.New("walpost ended")
	ctx, fail := context.WithCancelCause(t.Context())
	fail(cause)
	if err := r.ready(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

func TestInitFailsWithItsWords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := initialize(t.Context(), newScreen(&out), devstacktest.Script(t, `echo "wal_level is replica"; exit 3`),
		configuration{path: "demo.yaml"})
	if err == nil || !strings.Contains(err.Error(), "walpost init: exit status 3") ||
		!strings.Contains(err.Error(), "wal_level is replica") {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationHasThreeLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "demo.yaml")
	c, err := writeConfiguration(t.Context(), path, "postgres://localhost/shop", "localhost:9092")
	if err != nil {
		t.Fatal(err)
	}
	want := "name: demo\npostgres: {url: \"postgres://localhost/shop\"}\nkafka: {brokers: [\"localhost:9092\"]}\n"
	if c.admin == defaultAdmin && c.text != want { // else somebody else has the port
		t.Errorf("got:\n%s", c.text)
	}

	var lc net.ListenConfig
	if l, err := lc.Listen(t.Context(), "tcp", defaultAdmin); err == nil { // else it is taken already
		defer l.Close()
	}
	if c, err = writeConfiguration(t.Context(), path, "postgres://localhost/shop", "localhost:9092"); err != nil {
		t.Fatal(err)
	}
	if c.admin == defaultAdmin || !strings.HasPrefix(c.text, want+"admin: {listen: \""+c.admin+"\"}") {
		t.Errorf("with the port taken, got admin at %s and:\n%s", c.admin, c.text)
	}
}
