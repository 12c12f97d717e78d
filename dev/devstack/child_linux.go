package devstack

import (
	"os/exec"
	"syscall"
)

// DieWithParent makes the kernel kill the process of a command when this process is gone, however it went.
func DieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
