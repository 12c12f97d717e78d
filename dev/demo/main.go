// Command demo shows walpost at work: a small order service commits events in a real Postgres, the walpost binary relays
// them to a real Kafka, is killed with SIGKILL once in the middle and started again, and at the end the events that are
// committed are compared with the records that are in Kafka. `make demo` runs it.
//
// It knows the servers of devstack, the walpost binary, its configuration file and its admin server, and the oracle. It
// must not know walpost's packages: what is shown and judged is the program a user runs.
//
// The exit status is 0 only when nothing was lost, nothing that was rolled back was published, and the order of each key
// was kept; 1 when not, or when a step failed; 2 for a wrong command line; 130 when it was interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit statuses.
const (
	exitKept        = 0
	exitBroken      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells have it
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the one of the process
	// A second Ctrl-C ends at once; the servers' guards clean up.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:forbidigo // this is main
}

// run does what the arguments ask for and returns the exit status.
func run(ctx context.Context, args []string, out, usage io.Writer) int {
	o, err := parseOptions(args, usage)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitKept
	case err != nil:
		return exitUsage
	}
	s := newScreen(out)
	if o.watch != "" {
		return s.ending(watch(ctx, s, o.watch))
	}
	return s.ending(show(ctx, s, o))
}

// errBroken is the end of a show whose verdict has told what is wrong.
var errBroken = errors.New("walpost did not keep its promises")

// ending tells what a show ended with, unless it was told already, and returns the exit status.
func (s *screen) ending(err error) int {
	s.freeze()
	switch {
	case err == nil:
		return exitKept
	case errors.Is(err, context.Canceled) && !errors.Is(err, errCleanUp):
		s.say("")
		s.say("Interrupted: everything is stopped and removed.")
		return exitInterrupted
	case !errors.Is(err, errBroken):
		s.say("")
		s.say("%s %s", s.red("The demo failed:"), err)
	}
	return exitBroken
}
