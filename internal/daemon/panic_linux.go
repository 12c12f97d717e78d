package daemon

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// disableCoreDumps sets the limit for core files that the kernel writes to zero, and
// makes the process not dumpable: the limit does not hold for a core that is piped to a
// program such as systemd-coredump (core(5)). A process that is not dumpable also keeps
// its memory from other processes of its account. A sandbox may refuse both calls; core
// dumps are then the sandbox's concern.
func disableCoreDumps() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
