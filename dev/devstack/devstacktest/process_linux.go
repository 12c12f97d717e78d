package devstacktest

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill a process when the test is gone, however it went.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
