//go:build !linux

package devstacktest

import "os/exec"

// dieWithParent is for Linux; elsewhere a killed test may leave its processes.
func dieWithParent(*exec.Cmd) {}
