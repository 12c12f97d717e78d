package daemon

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
)

// Each relay logs at the level of its own file, in the format of the first.
func TestEachRelayHasItsLevel(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l, err := newLoggers(&w, []*config.Config{
		{Log: config.Log{Level: "warn", Format: "console"}},
		{Log: config.Log{Level: "debug", Format: "json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.relay(0).Info("quiet")
	l.process().Info("quiet")
	l.relay(0).Warn("first")
	l.relay(1).Debug("second")
	lines := strings.Split(strings.TrimSpace(w.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "WARN\tfirst") || !strings.HasSuffix(lines[1], "DEBUG\tsecond") {
		t.Errorf("%q", lines)
	}
}

// SIGHUP changes the level of a process that runs; a file with faults changes nothing.
func TestLevelIsReadAgain(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l, err := newLoggers(&w, []*config.Config{{Name: "a", Log: config.Log{Level: "warn"}}, {Name: "b", Log: config.Log{Level: "error"}}})
	if err != nil {
		t.Fatal(err)
	}
	a := l.relay(0).With(zap.String("relay", "a"))
	a.Info("before")
	l.reload(func() ([]*config.Config, error) {
		return []*config.Config{
			{Name: "b", Log: config.Log{Level: "warn"}},
			{Name: "a", Log: config.Log{Level: "debug"}},
			{Name: "c", Log: config.Log{Level: "info"}},
		}, nil
	})
	a.Debug("after")
	l.relay(1).Info("not of b")
	l.reload(func() ([]*config.Config, error) { return nil, errors.New("x.yaml:3:1: unknown key") })
	a.Debug("still")
	log := w.String()
	for _, want := range []string{`"after"`, `"still"`, `"log_level":"debug","before":"warn"`, `"relay":"c"`, "x.yaml:3:1: unknown key"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in\n%s", want, log)
		}
	}
	if strings.Contains(log, `"msg":"before"`) || strings.Contains(log, "not of b") {
		t.Errorf("logged below its level:\n%s", log)
	}
}
