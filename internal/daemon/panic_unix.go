//go:build unix && !linux

package daemon

import "syscall"

// disableCoreDumps sets the limit for core files to zero. A sandbox may refuse the call;
// core dumps are then the sandbox's concern.
func disableCoreDumps() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
