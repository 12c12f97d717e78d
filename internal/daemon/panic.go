package daemon

import "runtime/debug"

// abortOnPanic makes a panic in any goroutine, sarama's included, end the process by
// SIGABRT after Go's message and stack. Go's own exit code for a panic is 2, which for
// walpost is a wrong command line, and no supervisor should restart that. No core file is
// written: the memory has passwords in it.
func abortOnPanic() {
	disableCoreDumps()
	debug.SetTraceback("crash")
}
