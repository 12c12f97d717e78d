package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// options are the command line.
type options struct {
	walpost  string        // the binary
	keep     bool          // leave everything running after the verdict
	length   time.Duration // how long the order service works
	embedded bool          // embedded broker instead of Kafka
	binaries string        // folder of the example's services; "": no second act
	watch    string        // only print what arrives at this broker
}

// Bounds of the length: a shorter show has no middle to kill the relay in.
const (
	shortest      = 3 * time.Second
	defaultLength = 15 * time.Second
)

// parseOptions reads flags and the environment variable KEEP. It has told usage what is wrong when it fails.
func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.walpost, "walpost", "bin/walpost", "the `binary` to show")
	f.BoolVar(&o.keep, "keep", os.Getenv("KEEP") == "1", "leave everything running after the verdict; also KEEP=1 in the environment")
	f.DurationVar(&o.length, "length", defaultLength, "how long the order service works")
	f.BoolVar(&o.embedded, "embedded", false, "use an embedded broker, as where no Java can be had")
	f.StringVar(&o.binaries, "services", "", "show examples/orders too, whose services are in this `folder`")
	f.StringVar(&o.watch, "watch", "", "show nothing, print the records that arrive at this `broker`")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := o.check(f.Args())
	if err != nil {
		_, _ = fmt.Fprintln(usage, "demo:", err) // nobody else to tell
	}
	return o, err
}

func (o *options) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %s", rest[0])
	}
	if o.length < shortest {
		return fmt.Errorf("-length %s: want %s or more", o.length, shortest)
	}
	if o.watch != "" {
		return nil
	}
	if info, err := os.Stat(o.walpost); err != nil {
		return fmt.Errorf("no walpost to show (`make build` makes it): %w", err)
	} else if info.IsDir() {
		return errors.New("-walpost must name the binary, not a folder")
	}
	return nil
}
