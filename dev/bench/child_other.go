//go:build !linux

package main

import "syscall"

// dieWithParent is for Linux; elsewhere a killed benchmark may leave its child. Its figures need /proc anyway.
func dieWithParent() *syscall.SysProcAttr { return nil }
