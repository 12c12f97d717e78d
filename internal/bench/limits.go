package main

import (
	"fmt"
	"math"
	"slices"
)

// verdict compares a figure with the limit it must keep.
type verdict struct {
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Must   float64 `json:"must"`
	AtMost bool    `json:"at_most"` // false: at least
	OK     bool    `json:"ok"`
}

// judge compares the medians of the repetitions, and the largest memory of all, with walpost's limits. They hold for a
// quiet machine of 2 cores that also runs Postgres and Kafka.
func (r *report) judge() {
	var peak int64
	for _, name := range r.shapes() {
		runs := r.valid(name)
		if len(runs) == 0 {
			continue
		}
		r.atLeast(label(name)+": × pg_recvlogical", median(runs, func(d drain) float64 { return d.Ratio }), 1)
		if limit, ok := relayMicros()[name]; ok {
			r.atMost(label(name)+": relay CPU µs/event", median(runs, func(d drain) float64 { return d.ReaderMicros }), limit)
		}
		r.atMost(label(name)+": broker CPU µs/event", median(runs, func(d drain) float64 { return d.BrokerMicros }), 3)
		for _, d := range runs {
			peak = max(peak, d.PeakRSS)
		}
	}
	if peak > 0 {
		r.atMost("peak resident memory, MiB", mib(peak), 64)
	}
	for _, l := range r.Latency {
		if l.PerSecond == 100 && l.Void == "" {
			r.atMost("latency at 100/s, p50 ms", l.P50, 2)
			r.atMost("latency at 100/s, p99 ms", l.P99, 10)
		}
	}
	if r.Start != nil {
		r.atMost("start → first row at a consumer, ms", r.Start.Median, 150)
	}
	if r.Idle != nil {
		r.atMost("idle CPU, s/min", r.Idle.CPUPerMinute, 0.3)
		r.atMost("idle resident memory, MiB", mib(r.Idle.RSS), 20)
	}
}

// relayMicros are the limits of the relay's CPU per event, by shape.
func relayMicros() map[string]float64 { return map[string]float64{"100": 4, "1": 6} }

func (r *report) atLeast(what string, value, must float64) {
	r.Limits = append(r.Limits, verdict{What: what, Value: value, Must: must, OK: value >= must})
}

func (r *report) atMost(what string, value, must float64) {
	r.Limits = append(r.Limits, verdict{What: what, Value: value, Must: must, AtMost: true, OK: value <= must})
}

// missed tells that at least one limit was not kept.
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

// valid are walpost's drains of a shape that are not void.
func (r *report) valid(name string) []drain {
	var runs []drain
	for _, d := range r.Drains {
		if d.Shape == name && d.Reader == readerWalpost && d.Void == "" {
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

// comparison is how a limit is written.
func (v verdict) comparison() string {
	if v.AtMost {
		return fmt.Sprintf("≤ %g", v.Must)
	}
	return fmt.Sprintf("≥ %g", v.Must)
}
