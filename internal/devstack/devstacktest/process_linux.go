package devstacktest

import "syscall"

// dieWithParent makes the kernel kill a process when the test is gone, however it went.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
