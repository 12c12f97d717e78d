package main

import (
	"fmt"
	"math"
	"slices"
)

// bound is what a figure must keep and what it should reach.
type bound struct {
	must float64
	goal float64 // 0: none
}

// verdict compares a figure with its bound.
type verdict struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Must    float64 `json:"must"`
	Goal    float64 `json:"goal,omitempty"`
	AtMost  bool    `json:"at_most"` // false: at least
	OK      bool    `json:"ok"`
	Reached bool    `json:"goal_reached,omitempty"`
}

// judge compares the medians of the repetitions, and the largest memory of all, with walpost's bounds. They hold for a
// quiet machine of 2 cores that also runs Postgres and Kafka.
func (r *report) judge() {
	r.judgeDrains()
	for _, l := range r.Latency {
		if l.PerSecond == 100 && l.Void == "" && l.Reader == readerExactlyOnce {
			r.atMost("exactly_once: latency at 100/s, p50 ms", l.P50, bound{8, 4})
		}
		if l.PerSecond == 100 && l.Void == "" && l.Reader == readerWalpost {
			r.atMost("latency at 100/s, p50 ms", l.P50, bound{2, 1})
			r.atMost("latency at 100/s, p99 ms", l.P99, bound{10, 3})
		}
	}
	if r.Start != nil {
		r.atMost("start → first row at a consumer, ms", r.Start.Median, bound{150, 50})
	}
	if r.Idle != nil {
		r.atMost("idle CPU, s/min", r.Idle.CPUPerMinute, bound{0.3, 0.05})
		r.atMost("idle resident memory, MiB", mib(r.Idle.RSS), bound{20, 15})
	}
}

func (r *report) judgeDrains() {
	var peak int64
	for _, name := range r.shapes() {
		runs := r.valid(name, readerWalpost)
		if len(runs) == 0 {
			continue
		}
		if exact := r.valid(name, readerExactlyOnce); name == "100" && len(exact) > 0 {
			rate := func(d drain) float64 { return d.EventsPerSecond }
			r.atLeast("exactly_once, "+label(name)+": × at_least_once", median(exact, rate)/median(runs, rate), bound{0.8, 1})
		}
		r.atLeast(label(name)+": × pg_recvlogical", median(runs, func(d drain) float64 { return d.Ratio }), bound{1, ratioGoals()[name]})
		if limit, ok := relayMicros()[name]; ok {
			r.atMost(label(name)+": relay CPU µs/event", median(runs, func(d drain) float64 { return d.ReaderMicros }), limit)
		}
		r.atMost(label(name)+": broker CPU µs/event", median(runs, func(d drain) float64 { return d.BrokerMicros }), bound{3, 1.5})
		for _, d := range runs {
			peak = max(peak, d.PeakRSS)
		}
	}
	if peak > 0 {
		r.atMost("peak resident memory, MiB", mib(peak), bound{64, 48})
	}
}

// ratioGoals returns what the rate should be as a multiple of pg_recvlogical's, by shape.
func ratioGoals() map[string]float64 { return map[string]float64{"100": 1.6, "1": 1.5, "all": 1.4} }

// relayMicros are the bounds of the relay's CPU per event, by shape.
func relayMicros() map[string]bound { return map[string]bound{"100": {4, 2}, "1": {6, 3}} }

func (r *report) atLeast(what string, value float64, b bound) {
	r.Limits = append(r.Limits, verdict{
		What: what, Value: value, Must: b.must, Goal: b.goal, OK: value >= b.must, Reached: b.goal > 0 && value >= b.goal,
	})
}

func (r *report) atMost(what string, value float64, b bound) {
	r.Limits = append(r.Limits, verdict{
		What: what, Value: value, Must: b.must, Goal: b.goal, AtMost: true, OK: value <= b.must, Reached: b.goal > 0 && value <= b.goal,
	})
}

// missed reports whether at least one limit was not kept.
func (r *report) missed() bool {
	return slices.ContainsFunc(r.Limits, func(v verdict) bool { return !v.OK })
}

// shapes are the names of the shapes that were drained, in order.
func (r *report) shapes() []string {
	var names []string
	for _, d := range r.Drains {
		if !slices.Contains(names, d.Shape) {
			names = append(names, d.Shape)
		}
	}
	return names
}

// valid are a reader's drains of a shape that are not void.
func (r *report) valid(name, reader string) []drain {
	var runs []drain
	for _, d := range r.Drains {
		if d.Shape == name && d.Reader == reader && d.Void == "" {
			runs = append(runs, d)
		}
	}
	return runs
}

// label is a shape in words.
func label(name string) string {
	switch name {
	case "all":
		return "one transaction"
	case "1":
		return "1 row/tx"
	default:
		return name + " rows/tx"
	}
}

// median is the middle of a figure over the runs.
func median(runs []drain, figure func(drain) float64) float64 {
	values := make([]float64, 0, len(runs))
	for _, d := range runs {
		values = append(values, figure(d))
	}
	return middle(values)
}

// middle is the median; of an even number the mean of the two in the middle. There must be one.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile is the smallest value that so much of all, 0 to 1, do not exceed. Values are sorted, and there must be one.
func percentile(sorted []float64, share float64) float64 {
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// cells are the columns of a verdict: figure, limit, goal.
func (v verdict) cells() string {
	sign, must, goal, reached := "≥", "ok", "", ""
	if v.AtMost {
		sign = "≤"
	}
	if !v.OK {
		must = "missed"
	}
	if v.Goal > 0 {
		goal, reached = fmt.Sprintf("%s %g", sign, v.Goal), "not reached"
	}
	if v.Reached {
		reached = "reached"
	}
	return fmt.Sprintf("%.2f|%s %g|%s|%s|%s", v.Value, sign, v.Must, must, goal, reached)
}
