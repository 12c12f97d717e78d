package cli

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// withoutCore forbids core files: a limit of zero for those that the kernel writes, and
// no dumps at all for those that it pipes to a program such as systemd-coredump, which
// the limit does not hold (core(5)). It also keeps other processes of the same account
// from reading this one's memory. A sandbox may forbid to forbid; then it is for the
// sandbox to say.
func withoutCore() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
