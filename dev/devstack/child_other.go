//go:build !linux

package devstack

import "os/exec"

// DieWithParent is for Linux: elsewhere whoever is killed leaves its processes behind.
func DieWithParent(*exec.Cmd) {}
