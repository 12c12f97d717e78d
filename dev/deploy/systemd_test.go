package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/status"
)

const unitFile = "deploy/systemd/walpost.service"

// unit returns the settings of the service, by key; a key that comes again has all its
// values, one a line.
func unit(t *testing.T) map[string]string {
	t.Helper()
	settings := map[string]string{}
	for line := range strings.Lines(read(t, unitFile)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if before := settings[key]; before != "" {
			value = before + "\n" + value
		}
		settings[key] = value
	}
	return settings
}

func TestUnitRunsWalpost(t *testing.T) {
	t.Parallel()
	u := unit(t)
	words := strings.Fields(u["ExecStart"])
	wantCommand(t, unitFile, words[1:]...)
	if u["Type"] != "notify" || u["WatchdogSec"] == "" {
		t.Errorf("Type=%s WatchdogSec=%s", u["Type"], u["WatchdogSec"])
	}
	shutdown := clusterConfig(t).ShutdownTimeout // the default
	if stop, err := time.ParseDuration(u["TimeoutStopSec"]); err != nil || stop <= shutdown {
		t.Errorf("TimeoutStopSec=%s, shutdown_timeout is %s", u["TimeoutStopSec"], shutdown)
	}
	never := strings.Fields(u["RestartPreventExitStatus"])
	for code, restart := range map[string]bool{"1": true, "2": false, "3": false, "4": false, "5": false} {
		if prevented := strings.Contains(" "+strings.Join(never, " ")+" ", " "+code+" "); prevented == restart {
			t.Errorf("after exit code %s it is started again: %t", code, !prevented)
		}
	}
	if len(never) != status.ExitFenced-status.ExitUnexpected {
		t.Errorf("RestartPreventExitStatus=%v", never)
	}
}

// systemd reads the unit without a word, and finds little that a broken walpost
// could do.
func TestUnitIsWellAndConfined(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	binary, err := os.Executable() // verify looks for it
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "walpost.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(read(t, unitFile), "/usr/local/bin/walpost", binary)), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := run(t, ".", analyze, "verify", "--man=no", file); said != "" {
		t.Errorf("systemd-analyze verify: %s", said)
	}
	run(t, ".", analyze, "security", "--offline=true", "--threshold=15", "--no-pager", file)
}
