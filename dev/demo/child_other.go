//go:build !linux

package main

import "syscall"

// childAttributes put a child in a group of its own, so that Ctrl-C on the terminal is for the demo alone. A demo that
// is killed leaves its child behind here.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
