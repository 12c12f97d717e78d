//go:build !linux

package devstacktest

import "syscall"

// dieWithParent is for Linux; elsewhere a killed test may leave its processes.
func dieWithParent() *syscall.SysProcAttr { return nil }
