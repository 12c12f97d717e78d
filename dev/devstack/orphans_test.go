package devstack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// victimEnv makes the test binary start servers, tell what they are and wait for its end.
const victimEnv = "DEVSTACK_TEST_VICTIM"

// leftovers are what must vanish with the victim.
type leftovers struct {
	PIDs    []int
	Folders []string
	Segment string // number of the System V segment
}

// victim starts both servers and then waits to be killed.
func victim() int {
	ctx := context.Background()
	p, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	k, err := devstack.StartKafka(ctx, devstack.KafkaOptions{QuickStart: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	conn, err := p.Connect(ctx, "postgres") // a backend, which has a session of its own
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	pidFile, _ := os.ReadFile(filepath.Join(p.DataDir(), "postmaster.pid"))
	found := leftovers{
		PIDs:    []int{p.PID(), int(conn.PgConn().PID()), k.Broker(1).PID()},
		Folders: []string{filepath.Dir(p.DataDir()), filepath.Dir(k.Broker(1).LogFile())},
		Segment: strings.Fields(strings.Split(string(pidFile), "\n")[6])[1],
	}
	_ = json.NewEncoder(os.Stdout).Encode(found)
	<-ctx.Done() // never
	return 0
}

// gone reports whether a process has ended. A zombie that nobody has reaped yet has.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// segments lists the kernel's System V segments.
func segments(t *testing.T) string {
	t.Helper()
	all, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestNothingIsLeftWhenTheProcessIsKilled(t *testing.T) {
	devstacktest.SkipShort(t, "servers")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), victimEnv+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var found leftovers
	if err := json.NewDecoder(out).Decode(&found); err != nil {
		t.Fatal(err)
	}
	for _, pid := range found.PIDs {
		if gone(pid) {
			t.Fatalf("process %d has ended before its time", pid)
		}
	}
	if !strings.Contains(segments(t), " "+found.Segment+" ") {
		t.Fatalf("no segment %s in\n%s", found.Segment, segments(t))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, func() error {
		for _, pid := range found.PIDs {
			if !gone(pid) {
				return fmt.Errorf("process %d still runs", pid)
			}
		}
		for _, dir := range found.Folders {
			if _, err := os.Stat(dir); err == nil {
				return fmt.Errorf("folder %s is still there", dir)
			}
		}
		if strings.Contains(segments(t), " "+found.Segment+" ") {
			return fmt.Errorf("segment %s is still there", found.Segment)
		}
		return nil
	})
}

// eventually waits until ready returns nil.
func eventually(t *testing.T, ready func() error) {
	t.Helper()
	var err error
	defer func() {
		if err != nil {
			t.Log(err)
		}
	}()
	devstacktest.Await(t, "no error", func() bool { err = ready(); return err == nil })
}
