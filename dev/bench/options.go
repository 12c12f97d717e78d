package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts of a run.
const (
	partDrain   = "drain"
	partLatency = "latency"
	partStart   = "start"
	partIdle    = "idle"
)

// options are the command line.
type options struct {
	walpost     string
	against     string // another build of walpost; "": none
	rows        int64
	warm        int64
	repetitions int
	parts       map[string]bool
	shapes      []shape
	latencyFor  time.Duration
	rates       []int
	starts      int
	idleFor     time.Duration
	withPeers   bool
	json        bool
	strict      bool

	withExactlyOnce bool
}

// shape is how many rows one transaction of the backlog has.
type shape struct {
	name  string
	perTx int64
}

// Fewer records leave the broker cold, more do not change what it costs.
const leastWarm, mostWarm = 1_000_000, 3_000_000

// parseOptions reads flags and the environment variable ROWS. It has told usage what is wrong when it fails.
func parseOptions(args []string, usage io.Writer) (options, error) {
	o := options{parts: map[string]bool{}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.walpost, "walpost", "bin/walpost", "the `binary` to measure")
	f.StringVar(&o.against, "against", "", "another `binary` of walpost to measure in the same run, such as that of the commit before")
	f.Int64Var(&o.rows, "rows", 0, "rows in the outbox; default ROWS of the environment, else 1000000")
	f.Int64Var(&o.warm, "warm", -1, "records that warm the broker before; default three times the rows, but from 1000000 to 3000000")
	f.IntVar(&o.repetitions, "repetitions", 3, "how often each drain and each latency series is repeated")
	f.DurationVar(&o.latencyFor, "latency", 10*time.Second, "length of each latency series")
	f.IntVar(&o.starts, "starts", 5, "how often the start is measured")
	f.DurationVar(&o.idleFor, "idle", 20*time.Second, "length of the idle window")
	f.BoolVar(&o.withPeers, "peers", false, "drain with other relays too: sarama's AsyncProducer, Debezium")
	f.BoolVar(&o.withExactlyOnce, "exactly-once", true, "measure drains and latency with delivery.guarantee: exactly_once too")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.strict, "strict", false, "exit with 1 when a limit is missed")
	only := f.String("only", "drain,latency,start,idle", "`parts` to run")
	shapes := f.String("shapes", "100,1,all", "`rows` of one transaction in the drains")
	rates := f.String("rates", "100,1000", "`events` a second in the latency series")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := errors.Join(o.setParts(*only), o.setRows(1_000_000), o.setShapes(*shapes), o.setRates(*rates), o.check(f.Args()))
	if err != nil {
		complain(usage, err)
	}
	return o, err
}

func (o *options) setParts(list string) error {
	known := []string{partDrain, partLatency, partStart, partIdle}
	for part := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, part) {
			return fmt.Errorf("-only %s: want some of %s", part, strings.Join(known, ","))
		}
		o.parts[part] = true
	}
	return nil
}

// setRows takes ROWS of the environment or so many as is usual where no flag has said it.
func (o *options) setRows(usual int64) error {
	if o.rows == 0 {
		o.rows = usual
		if text := os.Getenv("ROWS"); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return fmt.Errorf("ROWS=%s: want a number", text)
			}
			o.rows = n
		}
	}
	const fewest = 10_000 // with fewer a walsender is gone before it is seen
	if o.rows < fewest {
		return fmt.Errorf("%d rows: want %d or more", o.rows, fewest)
	}
	if o.warm < 0 {
		o.warm = min(max(3*o.rows, leastWarm), mostWarm)
	}
	return nil
}

func (o *options) setShapes(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		if name == "all" {
			o.shapes = append(o.shapes, shape{name: name, perTx: o.rows})
			continue
		}
		n, err := strconv.ParseInt(name, 10, 64)
		if err != nil || n < 1 {
			return fmt.Errorf(`-shapes %s: want numbers of rows or "all"`, name)
		}
		o.shapes = append(o.shapes, shape{name: name, perTx: n})
	}
	return nil
}

func (o *options) setRates(list string) error {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-rates %s: want numbers of events a second", text)
		}
		o.rates = append(o.rates, n)
	}
	return nil
}

func (o *options) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %s", rest[0])
	}
	if o.repetitions < 1 || o.starts < 1 || o.latencyFor <= 0 || o.idleFor <= 0 {
		return errors.New("-repetitions, -starts, -latency and -idle must be above zero")
	}
	if _, err := os.Stat(o.walpost); err != nil {
		return fmt.Errorf("no walpost to measure (`make build` makes it): %w", err)
	}
	if o.against != "" {
		if _, err := os.Stat(o.against); err != nil {
			return fmt.Errorf("no other walpost to measure: %w", err)
		}
	}
	return nil
}
