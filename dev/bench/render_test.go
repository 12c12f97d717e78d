package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testAll is options for a folder with figures of the peers, one shape whole, one with a void relay, and of the hog, with
// drains and latency.
func testAll(t *testing.T) allOptions {
	t.Helper()
	dir := t.TempDir()
	o := allOptions{docs: dir, readme: filepath.Join(dir, "short.md")}
	if err := os.WriteFile(o.readme, []byte("before\n"+beginMark+"old\n"+endMark+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := func(reader string, ratio, micros float64) drain {
		return drain{Reader: reader, EventsPerSecond: 1000 * ratio, Ratio: ratio, StreamMicros: micros, WalsenderMicros: 3, BrokerMicros: 1}
	}
	r := &partReport{Part: "peers", Title: "Other relays", Cases: []caseReport{
		{Name: "100", Rows: 5000, Drains: []drain{
			good(readerRecvlogical, 1, 3), good(readerWalpost, 1.5, 2), good(readerWalpost, 2.5, 2), good(readerTuned, 0.5, 30),
		}},
		{Name: "1", Drains: []drain{
			good(readerRecvlogical, 1, 6), good(readerWalpost, 1.25, 4), {Reader: readerTuned, Ratio: 9, Void: "lost 1\nand more"},
		}},
	}}
	hog := &partReport{Part: "hog", Title: "A program beside it", Axis: "neighbour", Cases: []caseReport{
		{Name: "hog", Drains: []drain{good(readerRecvlogical, 1, 3), good(readerWalpost, 1.5, 2)}},
		{Name: "hog, 100/s", Latency: []latency{{Reader: readerWalpost, Achieved: 100, Runs: 3, Events: 9}}},
	}}
	if err := errors.Join(writeJSONFile(o.file("peers"), r), writeJSONFile(o.file("hog"), hog)); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRender(t *testing.T) {
	o := testAll(t)
	if err := o.renderAll(); err != nil {
		t.Fatal(err)
	}
	short, err := os.ReadFile(o.readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n", "after\n", "| walpost | 2.00 | 1.25 | 1.0 | 1.0 |", "| Debezium tuned | 0.50 | void | 15.0 | void |",
	} {
		if !strings.Contains(string(short), want) {
			t.Errorf("the README lacks %q:\n%s", want, short)
		}
	}
	if strings.Contains(string(short), "old") {
		t.Error("the old table is still there")
	}
	long, err := os.ReadFile(filepath.Join(o.docs, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| reader µs |", "\nThe neighbour runs beside", "| hog, 100/s | walpost | 100 | 3 | 9 |",
		"| 100 | 5,000 | walpost | 2,000 | 2.00 |", "void: lost 1 |", "## Not run", "(`delay`)",
	} {
		if !strings.Contains(string(long), want) {
			t.Errorf("the tables lack %q:\n%s", want, long)
		}
	}
	if _, err := os.Stat(filepath.Join(o.docs, "peers.svg")); err != nil {
		t.Error(err)
	}
	if drawn, err := os.ReadFile(filepath.Join(o.docs, "hog.svg")); err != nil || strings.Contains(string(drawn), "100/s") {
		t.Errorf("the plot of drains has a place for a case of latency, or is not there: %v", err)
	}
}

// TestAllResumes measures nothing, because every part has figures: it would need a walpost and servers.
func TestAllResumes(t *testing.T) {
	o := testAll(t)
	o.rows, o.walpost = 1, "/nowhere"
	for _, p := range allParts(1) {
		if err := writeJSONFile(o.file(p.name), &partReport{Part: p.name}); err != nil {
			t.Fatal(err)
		}
	}
	var told bytes.Buffer
	if err := o.measureAll(t.Context(), &told); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(told.String(), "there already"), len(allParts(1)); got != want {
		t.Errorf("%d of %d parts were left alone: %s", got, want, told.String())
	}
}

func TestParts(t *testing.T) {
	const rows = 100_000
	names := map[string]bool{}
	for _, p := range allParts(rows) {
		if names[p.name] || p.title == "" || len(p.cases) == 0 {
			t.Errorf("part %q: a name twice, no title or no cases", p.name)
		}
		names[p.name] = true
		for _, c := range p.cases {
			if !c.latency && (c.rows < 1 || c.perTx < 1 || c.payload < 50) {
				t.Errorf("%s, %s: %+v", p.name, c.name, c.workload)
			}
			if c.access.proxied && !c.stack.proxied || c.access.tlsKafka && !c.stack.tls {
				t.Errorf("%s, %s: the servers do not have the way in", p.name, c.name)
			}
		}
	}
	for _, args := range [][]string{{"-part", "none"}, {"-rows", "1"}, {"-unknown"}, {"-walpost", "/nowhere"}} {
		var told bytes.Buffer
		if code := run(t.Context(), append([]string{commandAll}, args...), &bytes.Buffer{}, &told); code != 2 || told.Len() == 0 {
			t.Errorf("%q: exit status %d, told %q; want 2 and a reason", args, code, told.String())
		}
	}
}
