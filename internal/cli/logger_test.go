package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

// Each relay logs at the level of its own file, in the format of the first.
func TestEachRelayHasItsLevel(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l, err := newLogs(&w, []*config.Config{
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
