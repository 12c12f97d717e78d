//go:build !linux

package e2e_test

import "syscall"

// dieWithParent is for Linux; elsewhere a killed test may leave its processes.
func dieWithParent() *syscall.SysProcAttr { return nil }
