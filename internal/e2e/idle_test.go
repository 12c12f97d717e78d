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

	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/devstack/pause"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

const (
	idleFor = 20 * time.Second
	// A wake-up is several switches: the runtime's threads wake each other, more of them
	// where there are more cores. Seen were 215 and 242, with one ticker of 500 ms 456.
	idleSwitches = 350
	idleCores    = "GOMAXPROCS=2"
)

// A process with nothing to do sleeps, but for what it does every ten seconds. Its
// server is its own: what others write wakes it too.
func TestIdleProcessSleeps(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	f := &fixture{kafka: stack.Kafka(t), prefix: stack.Name(t)}
	f.db = devstacktest.Database{Name: stack.Name(t), URL: server.URL("postgres"), Conn: devstacktest.Connect(t, server, "postgres"), Server: server}
	f.db.Exec(t, relaytest.OutboxDDL)
	cmd := exec.CommandContext(t.Context(), build(t), "run", "-c", f.write(t, nil))
	cmd.Env = append(os.Environ(), idleCores)
	p := &process{clitest.StartCommand(t, cmd)}
	p.Ready(t)
	n := 0
	for range 4 { // what belongs to the start takes longer on a busy machine; a ticker never ends
		before := switches(t, p.Cmd.Process.Pid)
		pause.Real(t, idleFor, "its context switches are counted")
		n = switches(t, p.Cmd.Process.Pid) - before
		t.Logf("%d context switches in %s", n, idleFor)
		if n <= idleSwitches {
			break
		}
	}
	if n > idleSwitches {
		t.Errorf("%d context switches in %s without an event, want %d at most", n, idleFor, idleSwitches)
	}
	p.Terminate(t)
	p.Exits(t, 0)
}

// switches is how often the threads of a process have gone to sleep.
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
