package cli

import "runtime/debug"

// abortOnPanic makes a panic in any goroutine, those of sarama too, end the process
// by SIGABRT behind Go's words and stack: exit code 2, which Go would give, is that of
// a wrong command line, which no supervisor should try again. No memory is written to
// disk: there are passwords in it.
func abortOnPanic() {
	withoutCore()
	debug.SetTraceback("crash")
}
