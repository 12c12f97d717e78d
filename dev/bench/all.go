package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// commandAll measures all parts of docs/benchmarks and draws them.
const commandAll = "all"

// partLimit is how long one part may take.
const partLimit = 10 * time.Minute

// allOptions are the command line of commandAll.
type allOptions struct {
	options

	docs   string // folder of tables and plots; raw figures are in raw below
	readme string // file with a short table between marks; "": none
	only   string
	again  bool
	render bool // only
}

// usualAllRows is small enough for any part to take less than ten minutes on two cores.
const usualAllRows = 200_000

func parseAll(args []string, usage io.Writer) (allOptions, error) {
	o := allOptions{options: options{parts: map[string]bool{}}}
	f := flag.NewFlagSet("bench "+commandAll, flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.walpost, "walpost", "bin/walpost", "the `binary` to measure")
	f.Int64Var(&o.rows, "rows", 0, "rows of one backlog; default ROWS of the environment, else 200000")
	f.Int64Var(&o.warm, "warm", mostWarm, "records that warm each broker before")
	f.IntVar(&o.repetitions, "repetitions", 3, "how often each drain and each latency series is repeated")
	f.DurationVar(&o.latencyFor, "latency", 10*time.Second, "length of each latency series")
	f.StringVar(&o.docs, "docs", "docs/benchmarks", "`folder` to write to")
	f.StringVar(&o.readme, "readme", "README.md", "`file` with the short table")
	f.StringVar(&o.only, "part", "", "`parts` to measure, separated by commas; default those that have no figures yet")
	f.BoolVar(&o.again, "again", false, "measure parts anew that have figures")
	f.BoolVar(&o.render, "render", false, "measure nothing, write tables and plots from the figures that are there")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.starts, o.idleFor = 1, 1 // of `make bench` alone
	err := errors.Join(o.setRows(usualAllRows), o.setRates("100"), o.check(f.Args()), o.checkParts())
	if err != nil {
		complain(usage, err)
	}
	return o, err
}

// checkParts names those that were chosen and do not exist.
func (o *allOptions) checkParts() (err error) {
	for name := range strings.SplitSeq(o.only, ",") {
		if name != "" && !slices.ContainsFunc(allParts(1), func(p part) bool { return p.name == name }) {
			err = errors.Join(err, fmt.Errorf("-part %s: there is none of that name", name))
		}
	}
	return err
}

// runAll measures what has no figures yet, then writes tables and plots of all there are.
func runAll(ctx context.Context, args []string, progress io.Writer) int {
	o, err := parseAll(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	if !o.render {
		err = o.measureAll(ctx, progress)
	}
	if err = errors.Join(err, o.renderAll()); err != nil {
		complain(progress, err)
		return 1
	}
	return 0
}

// measureAll measures one part after the other. One that fails does not keep the others from being tried.
func (o *allOptions) measureAll(ctx context.Context, progress io.Writer) error {
	var errs []error
	for _, p := range allParts(o.rows) {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), p.name) || ctx.Err() != nil {
			continue
		}
		if _, err := os.Stat(o.file(p.name)); err == nil && !o.again {
			_, _ = fmt.Fprintf(progress, "%s: there already\n", p.name)
			continue
		}
		if err := o.measurePart(ctx, p, progress); err != nil {
			errs = append(errs, fmt.Errorf("part %s: %w", p.name, err))
			complain(progress, errs[len(errs)-1])
		}
	}
	return errors.Join(errs...)
}

// file returns the path of the figures of a part.
func (o *allOptions) file(part string) string { return filepath.Join(o.docs, "raw", part+".json") }

// measurePart measures a part and keeps its figures when it is complete.
func (o *allOptions) measurePart(ctx context.Context, p part, progress io.Writer) (err error) {
	_, _ = fmt.Fprintf(progress, "part %s\n", p.name)
	ctx, cancel := context.WithTimeoutCause(ctx, partLimit, fmt.Errorf("not done after %s", partLimit))
	defer cancel()
	b, err := newBench(o.options, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.withPeers, b.withExactlyOnce, b.axis = p.peers, p.exactlyOnce, p.axis
	r := &partReport{
		Part: p.name, Title: p.title, Axis: p.axis, Began: time.Now().UTC().Truncate(time.Second), LoadBefore: firstLine("/proc/loadavg"),
	}
	if err := b.measureCases(ctx, p.cases, r); err != nil {
		return err
	}
	r.Took, r.LoadAfter = time.Since(b.began).Round(time.Second).String(), firstLine("/proc/loadavg")
	return writeJSONFile(o.file(p.name), r)
}

// measureCases measures one case after the other, on the same servers as long as the cases want the same.
func (b *bench) measureCases(ctx context.Context, cases []benchCase, r *partReport) error {
	for i, c := range cases {
		if i == 0 || c.stack != cases[i-1].stack {
			if err := b.changeServers(ctx, c); err != nil {
				return err
			}
		}
		if i == 0 {
			r.Machine, r.Settings = b.machine(ctx), b.settings(b.chosen())
		}
		result, err := b.measureCase(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r.Cases = append(r.Cases, result)
	}
	return nil
}

// writeJSONFile writes a file that is there as a whole or not at all.
func writeJSONFile(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // documentation
		return err
	}
	fresh := path + ".part"
	if err := os.WriteFile(fresh, append(data, '\n'), 0o644); err != nil { //nolint:gosec // documentation
		return err
	}
	return os.Rename(fresh, path)
}

// readPart is the figures of a part; nil when it was not measured.
func (o *allOptions) readPart(name string) (*partReport, error) {
	data, err := os.ReadFile(o.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // not measured is no error
	}
	if err != nil {
		return nil, err
	}
	r := &partReport{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", o.file(name), err)
	}
	return r, nil
}
