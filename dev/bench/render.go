package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const benchmarksHead = "# Benchmarks\n\nWritten by `make bench-all` from the figures in [raw](raw); do not edit. " +
	`Each part was measured in one run on one machine
that also ran Postgres, Kafka and the benchmark. Compare ratios within a part: absolute figures are those of this machine.
"foreign" is the largest number of its cores that other programs used. Rates and CPU are medians of the runs.

A drain empties a copy of one slot with a full backlog: from the start of its walsender until all events are visible in Kafka.
Afterwards the records are compared with the outbox: count, ids, and the order of each key. A figure with a difference is
void and not shown. Before each case, walpost does one drain or one series of latency that does not count. A measurement
begins when the brokers are idle and each partition has had its first records, with which a broker creates files and maps
indexes.

The columns of a drain:

| column | meaning |
|---|---|
| reader | what reads the slot: a relay, or ` + "`pg_recvlogical`" + `, which writes to /dev/null |
| 2nd half | rate after the middle of the backlog |
| reader µs | CPU time of the reader per event, since its walsender started |
| with start µs | the same, since the reader's process began |
| walsender µs, broker µs | CPU time per event of the walsender, and of all brokers |
| peak | largest resident memory of the reader |

Latency is measured in turn: each repetition begins with another relay. The percentiles are over the events of all series of
a relay. The relay is nearly idle then, so its CPU time per event is mostly waking up.
`

// renderAll writes tables and plots of the parts that have figures.
func (o *allOptions) renderAll() error {
	var text, missing strings.Builder
	text.WriteString(benchmarksHead)
	for _, p := range allParts(1) {
		r, err := o.readPart(p.name)
		if err != nil {
			return err
		}
		if r == nil {
			fmt.Fprintf(&missing, "* %s (`%s`)\n", p.title, p.name)
			continue
		}
		section(&text, p.note, r)
		if chart, plotted := chartOf(r); plotted {
			fmt.Fprintf(&text, "\n![%s](%s.svg)\n", p.title, p.name)
			if err := o.write(p.name+".svg", chart.SVG()); err != nil {
				return err
			}
		}
		if p.name == "peers" && o.readme != "" {
			if err := replaceBetweenMarks(o.readme, shortTable(r)); err != nil {
				return err
			}
		}
	}
	if missing.Len() > 0 {
		fmt.Fprintf(&text, "\n## Not run\n\n%s", missing.String())
	}
	return o.write("README.md", text.String())
}

// write writes a file of the documentation.
func (o *allOptions) write(name, text string) error {
	return os.WriteFile(filepath.Join(o.docs, name), []byte(text), 0o644) //nolint:gosec // others may read it
}

// section writes the conditions, the note and the tables of a part.
func section(to *strings.Builder, note string, r *partReport) {
	m, s := r.Machine, r.Settings
	fmt.Fprintf(to, "\n## %s\n\n", r.Title)
	fmt.Fprintf(to, "%s, %d cores (%s), Linux %s, TCP %s, load average before %s. %s; Postgres %s; %s with a heap of %d MiB. ",
		r.Began.Format("2006-01-02 15:04 MST"), m.Cores, m.CPU, m.Kernel, m.Congestion, firstFields(r.LoadBefore, 3),
		shortVersion(m.Walpost), firstFields(m.Postgres, 1), m.Kafka, s.BrokerHeap)
	fmt.Fprintf(to, "%d rows unless the table says otherwise, %d runs, broker warmed with %d records.\n", s.Rows, s.Repetitions, s.Warm)
	if len(s.Candidates) > 1 {
		fmt.Fprintf(to, "\nsarama's relay: %s. Settings:\n\n", m.Libraries)
		for _, c := range s.Candidates {
			fmt.Fprintf(to, "* %s: %s\n", c.Name, c.Settings)
		}
	}
	if note != "" {
		fmt.Fprintf(to, "\n%s\n", note)
	}
	drainTable(to, r)
	latencyTable(to, r)
}

func drainTable(to *strings.Builder, r *partReport) {
	head := false
	for _, c := range r.Cases {
		for _, s := range summarise(c.Drains) {
			if !head {
				fmt.Fprintf(to, "\n| %s | rows | reader | events/s | × pg_recvlogical | 2nd half/s | reader µs | with start µs | "+
					"walsender µs | broker µs | peak MiB | foreign | runs |\n", r.Axis)
				fmt.Fprintf(to, "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
				head = true
			}
			fmt.Fprintf(to, "| %s | %s | %s | %s\n", c.Name, grouped(c.Rows), s.reader, s.cells())
		}
	}
}

// cells are the figures of a line in the table.
func (s summary) cells() string {
	if s.valid == 0 {
		reason := strings.ReplaceAll(firstSentence(s.void), "|", "/")
		return fmt.Sprintf("void: %s | | | | | | | | | 0 of %d |", reason, s.runs)
	}
	ratio, half, broker := "", "", ""
	if s.reader != readerRecvlogical {
		ratio, broker = fmt.Sprintf("%.2f", s.ratio), fmt.Sprintf("%.1f", s.broker)
	}
	if s.secondHalf > 0 {
		half = grouped(int64(s.secondHalf))
	}
	runs := fmt.Sprint(s.valid)
	if s.valid < s.runs {
		runs = fmt.Sprintf("%d of %d", s.valid, s.runs)
	}
	return fmt.Sprintf("%s | %s | %s | %.1f | %.1f | %.1f | %s | %.0f | %.2f | %s |",
		grouped(int64(s.rate)), ratio, half, s.reading, s.withStart,
		s.walsender, broker, s.peak, s.foreign, runs)
}

func latencyTable(to *strings.Builder, r *partReport) {
	head := false
	for _, c := range r.Cases {
		for _, l := range c.Latency {
			if !head {
				fmt.Fprintf(to, "\n| %s | relay | events/s | series | events | p50 ms | p90 ms | p99 ms | max ms | relay µs | broker "+
					"µs | foreign |\n", r.Axis)
				to.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
				head = true
			}
			fmt.Fprintf(to, "| %s | %s | ", c.Name, l.Reader)
			if l.Void != "" {
				fmt.Fprintf(to, "void: %s | | | | | | | | | |\n", l.Void)
				continue
			}
			fmt.Fprintf(to, "%.0f | %d | %d | %.2f | %.2f | %.2f | %.1f | %.0f | %.0f | %.2f |\n",
				l.Achieved, l.Runs, l.Events, l.P50, l.P90, l.P99, l.Max,
				l.ReaderMicros, l.BrokerMicros, l.ForeignCores)
		}
	}
}

// shortTable returns what the README says of the peers: ratios alone.
func shortTable(r *partReport) string {
	var names []string
	groups := map[string][]summary{}
	for _, c := range r.Cases {
		names = append(names, c.Name)
		groups[c.Name] = summarise(c.Drains)
	}
	var b strings.Builder
	b.WriteString("| |")
	for _, n := range names {
		fmt.Fprintf(&b, " drain, %s |", label(n))
	}
	for _, n := range names {
		fmt.Fprintf(&b, " CPU, %s |", label(n))
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", 2*len(names)) + "\n")
	for _, reader := range []string{readerWalpost, readerRecvlogical, readerSarama, readerSaramaTuned, readerDebezium, readerTuned} {
		fmt.Fprintf(&b, "| %s |", reader)
		for _, n := range names {
			b.WriteString(" " + drainRatio(groups[n], reader) + " |")
		}
		for _, n := range names {
			b.WriteString(" " + cpuRatio(groups[n], reader) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// drainRatio is a reader's rate as a multiple of pg_recvlogical's.
func drainRatio(all []summary, reader string) string {
	if reader == readerRecvlogical {
		return "1"
	}
	s, ok := find(all, reader)
	if !ok {
		return "void"
	}
	return fmt.Sprintf("%.2f", s.ratio)
}

// cpuRatio is a reader's CPU an event, without its start, as a multiple of walpost's.
func cpuRatio(all []summary, reader string) string {
	s, ok := find(all, reader)
	own, known := find(all, readerWalpost)
	if !ok || !known || own.reading == 0 {
		return "void"
	}
	return fmt.Sprintf("%.1f", s.reading/own.reading)
}

// The marks between which the README has the short table.
const beginMark, endMark = "<!-- bench-all: begin -->\n", "<!-- bench-all: end -->\n"

func replaceBetweenMarks(path, table string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(data), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return errors.New(path + " lacks the marks of the table of make bench-all")
	}
	return os.WriteFile(path, []byte(before+beginMark+table+endMark+after), 0o644) //nolint:gosec // documentation
}

// firstFields are the first words of a text.
func firstFields(text string, n int) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(n, len(words))], " ")
}

// shortVersion returns what `walpost version` says, without the long commit.
func shortVersion(text string) string {
	short, _, _ := strings.Cut(text, ",")
	return short
}

// firstSentence is the first line of a reason.
func firstSentence(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
