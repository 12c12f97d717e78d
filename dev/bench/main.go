// Command bench measures walpost on this machine, as ratios in one run: it drains copies of one replication slot with
// pg_recvlogical, with walpost and, if asked, with other relays in turn, and measures latency, start and idle cost.
// `make bench` runs it. As "bench all" it measures the parts of docs/benchmarks and draws them: `make bench-all`.
//
// It knows the servers of devstack, the walpost binary and its configuration file. It must not know walpost's packages:
// what it measures is the program a user runs, and the order and the ids of what is in Kafka, not what walpost says.
//
// A figure is void, and the exit status 1, when Kafka does not hold exactly the events of the outbox. Exit status 2 is a
// wrong command line. A missed limit changes the exit status only with -strict, for a machine may be busy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // the one of the process
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:forbidigo // this is main
}

// run measures what the arguments ask for and returns the exit status.
func run(ctx context.Context, args []string, out, progress io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case commandAll:
			return runAll(ctx, args[1:], progress)
		case commandNaive:
			return runNaive(ctx, args[1:], progress)
		case commandHog:
			return runHog(ctx)
		}
	}
	return runOnce(ctx, args, out, progress)
}

// runOnce is the benchmark of one machine, as make bench runs it.
func runOnce(ctx context.Context, args []string, out, progress io.Writer) int {
	o, err := parseOptions(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	r, err := measure(ctx, o, progress)
	if r != nil {
		err = errors.Join(err, r.write(out, o.json))
	}
	if err != nil {
		complain(progress, err)
		return 1
	}
	if r.void() || o.strict && r.missed() {
		return 1
	}
	return 0
}

// complain is the last word when there is nobody else to tell.
func complain(to io.Writer, err error) { _, _ = fmt.Fprintln(to, "bench:", err) }

// measure starts the servers and runs the chosen parts. With an error it returns what was measured before, if anything.
func measure(ctx context.Context, o options, progress io.Writer) (_ *report, err error) {
	b, err := newBench(o, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.startServers(ctx, stackSpec{}); err != nil {
		return nil, err
	}
	r := &report{Machine: b.machine(ctx), Settings: b.settings(b.chosen())}
	if o.parts[partDrain] || o.parts[partLatency] || o.parts[partStart] {
		if err := b.warmBroker(ctx); err != nil {
			return nil, fmt.Errorf("warm the broker: %w", err)
		}
	}
	err = b.runParts(ctx, o, r)
	r.judge()
	return r, err
}

// runParts runs the chosen parts one after the other, up to the first that fails.
func (b *bench) runParts(ctx context.Context, o options, r *report) error {
	for _, part := range []struct {
		name string
		run  func(context.Context, *report) error
	}{
		{partDrain, b.drainAll}, {partLatency, b.latencyAll}, {partStart, b.startAll}, {partIdle, b.idle},
	} {
		if !o.parts[part.name] {
			continue
		}
		if err := part.run(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
