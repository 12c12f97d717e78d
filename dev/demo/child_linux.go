package main

import "syscall"

// childAttributes put a child in a group of its own, so that Ctrl-C on the terminal is for the demo alone, and make the
// kernel kill it when the demo is gone, however it went.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
