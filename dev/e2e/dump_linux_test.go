package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/walpost/walpost/internal/cli/clitest"
)

// A limit of zero holds no core that the kernel pipes to a program, as systemd-coredump
// and apport want it (core(5)). So the process is not dumpable, which is seen by whom its
// files in /proc belong to: root, and not its own account (proc(5)).
func TestRow134_NotDumpable(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(build(t))
	file := filepath.Join(dir, "walpost.yaml")
	text := keys{
		"name": "dump", "postgres.url": "postgres://walpost@127.0.0.1:1/shop", "outbox.topic": "t", "admin.listen": "127.0.0.1:0",
	}.With(nowhere).YAML(t)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "walpost"), "run", "-c", file)
	if os.Getuid() == 0 {
		asStranger(t, cmd, dir, file)
	}
	p := &process{clitest.StartCommand(t, cmd)}
	p.Address(t) // what forbids dumps is done before the listener is opened
	proc := fmt.Sprintf("/proc/%d", p.Cmd.Process.Pid)
	for _, name := range []string{"environ", "mem", "maps"} {
		info, err := os.Stat(filepath.Join(proc, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 {
			t.Errorf("%s/%s belongs to account %d: memory may be dumped", proc, name, owner)
		}
	}
	if n := p.metric(t, "process_open_fds"); n <= 0 {
		t.Errorf("process_open_fds is %v: the process cannot read of itself what it shows", n)
	}
	p.Terminate(t)
	p.Exits(t, 0)
}

// asStranger has the command run under an account that is not root's, and can get at
// these files.
func asStranger(t *testing.T, cmd *exec.Cmd, dir, file string) {
	t.Helper()
	const stranger = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
	for _, path := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(file, stranger, stranger); err != nil {
		t.Fatal(err)
	}
}
