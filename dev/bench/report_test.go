package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "walpost")
	if err := os.WriteFile(binary, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROWS", "20000")
	o, err := parseOptions([]string{"-walpost", binary, "-only", "drain,idle", "-shapes", "1,all"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if o.rows != 20000 || !o.parts[partIdle] || o.parts[partLatency] {
		t.Errorf("rows %d, parts %v", o.rows, o.parts)
	}
	if want := []shape{{"1", 1}, {"all", 20000}}; !slices.Equal(o.shapes, want) {
		t.Errorf("shapes %v, want %v", o.shapes, want)
	}
	for _, args := range [][]string{
		{"-walpost", binary + "x"},
		{"-walpost", binary, "-only", "drian"},
		{"-walpost", binary, "-shapes", "0"},
		{"-walpost", binary, "-rates", "0"},
		{"-walpost", binary, "-rows", "10"},
		{"-walpost", binary, "-repetitions", "0"},
		{"-walpost", binary, "more"},
		{"-unknown"},
	} {
		var told bytes.Buffer
		if code := run(t.Context(), args, &bytes.Buffer{}, &told); code != 2 || told.Len() == 0 {
			t.Errorf("%q: exit status %d, told %q; want 2 and a reason", args, code, told.String())
		}
	}
}

// The figures in docs/benchmarks were made with these: each part then takes less than ten minutes.
func TestParseAllUsual(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "walpost")
	if err := os.WriteFile(binary, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROWS", "")
	o, err := parseAll([]string{"-walpost", binary}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if o.rows != 200_000 || o.warm != 3_000_000 || o.repetitions != 3 {
		t.Errorf("%d rows, %d to warm, %d repetitions", o.rows, o.warm, o.repetitions)
	}
}

func TestFigures(t *testing.T) {
	if got := middle([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median of three: %v", got)
	}
	if got := middle([]float64{9, 1, 5, 7}); got != 6 {
		t.Errorf("median of four: %v", got)
	}
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for share, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := percentile(hundred, share); got != want {
			t.Errorf("percentile %v: %v, want %v", share, got, want)
		}
	}
	if cpu, ok := cpuTime(os.Getpid()); !ok || cpu < 0 {
		t.Errorf("own CPU time: %v, %v", cpu, ok)
	}
	if memory(os.Getpid(), "VmHWM") < 1<<20 || machineBusy() <= 0 {
		t.Error("no memory or CPU time in /proc")
	}
}

func TestPool(t *testing.T) {
	fast := latency{
		Reader: readerWalpost, PerSecond: 100, Achieved: 100, Runs: 1, millis: []float64{1, 2, 3},
		ReaderMicros: 10, BrokerMicros: 30, ForeignCores: 0.5,
	}
	slow := latency{
		Reader: readerWalpost, PerSecond: 100, Achieved: 98, Runs: 1, millis: []float64{0, 9}, ReaderMicros: 20, BrokerMicros: 10,
	}
	got := pool([]latency{fast, slow})
	want := latency{
		Reader: readerWalpost, PerSecond: 100, Achieved: 99, Runs: 2, Events: 5, P50: 2, P90: 9, P99: 9, Max: 9,
		ReaderMicros: 15, BrokerMicros: 20, ForeignCores: 0.5, millis: []float64{0, 1, 2, 3, 9},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("pooled %+v\nwant   %+v", got, want)
	}
	if got := pool([]latency{fast, {Void: "1 of 2 events arrived"}}); got.Void == "" || got.P50 != 0 {
		t.Errorf("a series with a loss did not void the pool: %+v", got)
	}
}

// testReport has one good, one bad and one void drain.
func testReport() *report {
	return &report{
		Drains: []drain{
			{Shape: "100", Reader: readerRecvlogical, EventsPerSecond: 100},
			{Shape: "100", Reader: readerWalpost, EventsPerSecond: 150, Ratio: 1.5, ReaderMicros: 2, BrokerMicros: 1, PeakRSS: 40 << 20},
			{Shape: "100", Reader: readerExactlyOnce, EventsPerSecond: 135, Ratio: 1.3, ReaderMicros: 9, PeakRSS: 90 << 20},
			{Shape: "1", Reader: readerWalpost, EventsPerSecond: 50, Ratio: 0.5, ReaderMicros: 7, BrokerMicros: 1, PeakRSS: 70 << 20},
			{Shape: "1", Reader: readerWalpost, Void: "99 of 100\nevents", Ratio: 9},
		},
		Latency: []latency{
			{Reader: readerWalpost, PerSecond: 100, P50: 1, P99: 20},
			{Reader: readerWalpost, PerSecond: 1000, P50: 1, P99: 50},
			{Reader: readerExactlyOnce, PerSecond: 100, P50: 9, P99: 20},
		},
		Start: &startup{Millis: []float64{20}, Median: 20},
		Idle:  &idling{CPUPerMinute: 0.1, RSS: 12 << 20},
	}
}

func TestJudge(t *testing.T) {
	r := testReport()
	r.judge()
	got, goals := map[string]bool{}, 0
	for _, v := range r.Limits {
		got[v.What] = v.OK
		if v.Reached {
			goals++
		}
	}
	want := map[string]bool{
		"100 rows/tx: × pg_recvlogical": true, "100 rows/tx: relay CPU µs/event": true, "100 rows/tx: broker CPU µs/event": true,
		"1 row/tx: × pg_recvlogical": false, "1 row/tx: relay CPU µs/event": false, "1 row/tx: broker CPU µs/event": true,
		"peak resident memory, MiB": false, "latency at 100/s, p50 ms": true, "latency at 100/s, p99 ms": false,
		"start → first row at a consumer, ms": true, "idle CPU, s/min": true, "idle resident memory, MiB": true,
		"exactly_once, 100 rows/tx: × at_least_once": true, "exactly_once: latency at 100/s, p50 ms": false,
	}
	for what, ok := range want {
		if is, there := got[what]; !there || is != ok {
			t.Errorf("%s: ok %v, there %v; want ok %v", what, is, there, ok)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d limits, want %d: %v", len(got), len(want), got)
	}
	if goals != 6 { // relay's CPU of 100 rows/tx, broker's of both, p50, start and idle memory
		t.Errorf("%d goals are reached, want 6: %+v", goals, r.Limits)
	}
	if !r.missed() || !r.void() {
		t.Error("missed limits or a void drain were not noticed")
	}
}

func TestOutput(t *testing.T) {
	r := testReport()
	r.judge()
	var text bytes.Buffer
	if err := r.writeTable(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"void: 99 of 100 events", "1.50", "missed", "≥ 1.6   not reached", "≤ 50    reached", "COMMIT returned", "median 20.0 ms",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	var data bytes.Buffer
	if err := r.writeJSON(&data); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data.Bytes(), &back); err != nil || len(back.Drains) != len(r.Drains) || len(back.Limits) != len(r.Limits) {
		t.Errorf("JSON does not come back: %v", err)
	}
}

func TestProgressDue(t *testing.T) {
	p := progress{rows: 100, seen: 89, every: time.Hour}
	if !p.due() {
		t.Error("the first look is not due")
	}
	if p.due() {
		t.Error("looks twice in the same hour")
	}
	p.saw(90)
	for range 2 {
		if !p.due() {
			t.Error("does not look more often in the last tenth")
		}
	}
}
