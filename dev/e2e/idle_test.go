package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

const (
	idleFor   = 20 * time.Second
	idleCores = "GOMAXPROCS=2" // the threads of the runtime wake each other, more of them where there are more cores
	pokes     = 200
	// idlePokes is how many requests to the admin server cost as much as the process may
	// do by itself in idleFor. What a wake-up costs differs by machine, so that both are
	// measured in the same process.
	idlePokes = 60
)

// A process with nothing to do sleeps, but for what it does every ten seconds. Its
// server is its own: what others write wakes it too.
func TestIdleProcessSleeps(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	h := with(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres")})
	cmd := exec.CommandContext(t.Context(), build(t), "run", "-c", h.Config.File)
	cmd.Env = append(os.Environ(), idleCores)
	p := &process{clitest.StartCommand(t, cmd)}
	p.Ready(t)
	idle, limit := 0, 0
	for range 4 { // what belongs to the start takes longer on a busy machine; a ticker never ends
		idle = p.switchesWithin(t, func() { pause.Real(t, idleFor, "the process is to be idle") })
		poked := p.switchesWithin(t, func() {
			for range pokes {
				p.Get(t, "/livez")
				pause.Real(t, idleFor/pokes/2, "each request is to wake the process")
			}
		})
		limit = idlePokes * (poked - idle/2) / pokes
		t.Logf("%d context switches in %s without an event, %d with %d requests in half of it", idle, idleFor, poked, pokes)
		if idle <= limit {
			break
		}
	}
	if idle > limit {
		t.Errorf("%d context switches in %s without an event, want %d at most, as %d requests cost", idle, idleFor, limit, idlePokes)
	}
	p.Terminate(t)
	p.Exits(t, 0)
}

// switchesWithin counts the context switches of a process while do runs.
func (p *process) switchesWithin(t *testing.T, do func()) int {
	t.Helper()
	before := switches(t, p.Cmd.Process.Pid)
	do()
	return switches(t, p.Cmd.Process.Pid) - before
}

// switches returns how often the threads of a process have gone to sleep.
func switches(t *testing.T, pid int) (n int) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("no threads of process %d: %v", pid, err)
	}
	for _, file := range threads {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(data), "\nvoluntary_ctxt_switches:")
		text, _, _ := strings.Cut(rest, "\n")
		count, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		n += count
	}
	return n
}
