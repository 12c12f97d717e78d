package main

import (
	"context"
	"flag"
	"io"
	"strings"

	"github.com/walpost/walpost/dev/bench/naive"
)

// What this program does as a child of itself.
const (
	commandNaive = "naive"
	commandHog   = "hog"
)

// runNaive relays with sarama until the context is done.
func runNaive(ctx context.Context, args []string, progress io.Writer) int {
	var o naive.Options
	f := flag.NewFlagSet(commandNaive, flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&o.URL, "url", "", "libpq `URL`")
	f.StringVar(&o.Slot, "slot", "", "slot")
	f.StringVar(&o.Publication, "publication", "", "publication")
	f.StringVar(&o.Topic, "topic", "", "`prefix` of the topics")
	f.DurationVar(&o.Linger, "linger", 0, "how long a record waits for others")
	brokers := f.String("brokers", "", "host:port, separated by commas")
	if err := f.Parse(args); err != nil {
		return 2
	}
	o.Brokers = strings.Split(*brokers, ",")
	if err := naive.Run(ctx, o); err != nil {
		complain(progress, err)
		return 1
	}
	return 0
}

// runHog keeps one core busy until the context is done: the neighbour that a relay may have.
func runHog(ctx context.Context) int {
	for ctx.Err() == nil {
	}
	return 0
}
