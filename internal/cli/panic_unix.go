//go:build unix && !linux

package cli

import "syscall"

// withoutCore forbids core files. A sandbox may forbid to forbid them; then it is for
// the sandbox to say.
func withoutCore() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
