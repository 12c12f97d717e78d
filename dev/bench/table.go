package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// write prints the report as JSON or as a table.
func (r *report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return r.writeJSON(out)
	}
	return r.writeTable(out)
}

// writeJSON prints the report for programs.
func (r *report) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// table writes aligned columns and remembers the first error.
type table struct {
	out *tabwriter.Writer
	err error
}

// row writes one line, cells separated by |.
func (t *table) row(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "|", "\t")
	_, err := fmt.Fprintln(t.out, text)
	t.err = errors.Join(t.err, err)
}

// section writes a headline. What follows is aligned anew.
func (t *table) section(text string) {
	t.err = errors.Join(t.err, t.out.Flush())
	t.row("")
	t.row("%s", text)
	t.err = errors.Join(t.err, t.out.Flush())
}

// writeTable prints the report for people.
func (r *report) writeTable(out io.Writer) error {
	t := &table{out: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	r.conditions(t)
	r.drains(t)
	r.rest(t)
	if len(r.Limits) > 0 {
		t.section("Limits, medians of the repetitions")
		t.row("|figure|must||goal|")
		for _, v := range r.Limits {
			t.row("%s|%s", v.What, v.cells())
		}
	}
	return errors.Join(t.err, t.out.Flush())
}

func (r *report) conditions(t *table) {
	m, s := r.Machine, r.Settings
	t.row("machine|%d cores, %s, Linux %s, TCP %s, load %s", m.Cores, m.CPU, m.Kernel, m.Congestion, m.LoadAverage)
	t.row("programs|%s; Postgres %s; %s, heap %d MiB; %s; bench %s", m.Walpost, m.Postgres, m.Kafka,
		s.BrokerHeap, m.Libraries, m.Go)
	t.row("events|%d rows, %s; %d partitions; broker warmed with %d", s.Rows, s.Payload, s.Partitions, s.Warm)
	for _, c := range s.Candidates {
		t.row("%s|%s", c.Name, c.Settings)
	}
	var set []string
	for _, key := range slices.Sorted(maps.Keys(s.Postgres)) {
		set = append(set, key+"="+s.Postgres[key])
	}
	t.row("Postgres|%s", strings.Join(set, " "))
}

func (r *report) drains(t *table) {
	if len(r.Drains) == 0 {
		return
	}
	t.section("Drain of a backlog: walsender started → all events visible. CPU in µs per event, foreign load in cores")
	t.row("rows/tx|run|reader|events/s|ratio|2nd half/s|reader|… without its start|walsender|broker|peak MiB|foreign|compared")
	for _, d := range r.Drains {
		if d.Void != "" {
			t.row("%s|%d|%s|void: %s", d.Shape, d.Repetition, d.Reader, strings.ReplaceAll(d.Void, "\n", " "))
			continue
		}
		ratio, broker := "", ""
		if d.Reader != readerRecvlogical {
			ratio, broker = fmt.Sprintf("%.2f", d.Ratio), fmt.Sprintf("%.2f", d.BrokerMicros)
		}
		t.row("%s|%d|%s|%.0f|%s|%.0f|%.2f|%.2f|%.2f|%s|%.1f|%.2f|%s", d.Shape,
			d.Repetition, d.Reader, d.EventsPerSecond, ratio, d.SecondHalf,
			d.ReaderMicros, d.StreamMicros, d.WalsenderMicros, broker, mib(d.PeakRSS), d.ForeignCores, d.Compared)
	}
}

// rest prints latency, start and idle.
func (r *report) rest(t *table) {
	if len(r.Latency) > 0 {
		t.section("Latency: COMMIT returned → record at a consumer, ms, of the events of all series. CPU in µs per event, foreign load " +
			"in cores")
		t.row("relay|wanted/s|achieved/s|series|events|p50|p90|p99|max|relay CPU|broker|foreign")
	}
	for _, l := range r.Latency {
		if l.Void != "" {
			t.row("%s|%d|void: %s", l.Reader, l.PerSecond, l.Void)
			continue
		}
		t.row("%s|%d|%.0f|%d|%d|%.2f|%.2f|%.2f|%.2f|%.0f|%.0f|%.2f", l.Reader, l.PerSecond, l.Achieved, l.Runs, l.Events,
			l.P50, l.P90, l.P99, l.Max, l.ReaderMicros, l.BrokerMicros, l.ForeignCores)
	}
	if s := r.Start; s != nil {
		t.section("Start: process started → first waiting row at a consumer")
		t.row("median %.1f ms of %.1f; foreign load %.2f cores", s.Median, s.Millis, s.ForeignCores)
	}
	if i := r.Idle; i != nil {
		t.section("Idle")
		t.row("%.3f s CPU and %.0f context switches a minute, %.1f MiB resident, %.1f of them its own and the rest the binary's, over "+
			"%.0f s; foreign load %.2f cores",
			i.CPUPerMinute, i.Switches, mib(i.RSS), mib(i.Private), i.WindowSeconds, i.ForeignCores)
	}
}
