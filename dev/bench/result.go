package main

import (
	"fmt"
	"time"
)

// drain is one run of one reader through a backlog.
type drain struct {
	Shape           string  `json:"case"` // in `make bench` the rows of a transaction
	Reader          string  `json:"reader"`
	Repetition      int     `json:"repetition"`
	Rows            int64   `json:"rows"`
	Seconds         float64 `json:"seconds"` // walsender started → all visible
	EventsPerSecond float64 `json:"events_per_second"`
	Ratio           float64 `json:"ratio,omitempty"` // to pg_recvlogical in the same repetition
	SecondHalf      float64 `json:"events_per_second_second_half,omitempty"`
	ReaderMicros    float64 `json:"reader_cpu_us_per_event"` // its start included
	StreamMicros    float64 `json:"stream_cpu_us_per_event"` // since its walsender started
	WalsenderMicros float64 `json:"walsender_cpu_us_per_event"`
	BrokerMicros    float64 `json:"broker_cpu_us_per_event"` // of all brokers
	PeakRSS         int64   `json:"peak_rss_bytes"`
	ForeignCores    float64 `json:"foreign_cores"`
	Compared        string  `json:"compared,omitempty"` // with the outbox
	Void            string  `json:"void,omitempty"`     // why the figures mean nothing
}

// fill takes the figures of a meter at the end of the clock.
func (d *drain) fill(m *meter, clock time.Duration) {
	m.read()
	d.Seconds = clock.Seconds()
	d.EventsPerSecond = float64(d.Rows) / clock.Seconds()
	d.ReaderMicros = perEvent(m.reader.used(), d.Rows)
	d.WalsenderMicros = perEvent(m.walsender.used(), d.Rows)
	d.StreamMicros = perEvent(m.reader.used()-m.before, d.Rows)
	d.BrokerMicros = perEvent(m.brokersUsed(), d.Rows)
	d.PeakRSS = m.reader.peak
	d.ForeignCores = m.foreign()
}

func (d *drain) voided(format string, args ...any) { d.Void = fmt.Sprintf(format, args...) }

func (d *drain) String() string {
	if d.Void != "" {
		return fmt.Sprintf("%s, run %d: void: %s", d.Reader, d.Repetition, d.Void)
	}
	return fmt.Sprintf("%s, run %d: %.0f events/s", d.Reader, d.Repetition, d.EventsPerSecond)
}

// latency is one series, or several pooled: COMMIT returned → record in a consumer's hands.
type latency struct {
	Reader       string  `json:"reader"`
	PerSecond    int     `json:"events_per_second_wanted"`
	Achieved     float64 `json:"events_per_second"`
	Runs         int     `json:"runs"`
	Events       int     `json:"events"`
	P50          float64 `json:"p50_ms"`
	P90          float64 `json:"p90_ms"`
	P99          float64 `json:"p99_ms"`
	Max          float64 `json:"max_ms"`
	ReaderMicros float64 `json:"reader_cpu_us_per_event"`
	BrokerMicros float64 `json:"broker_cpu_us_per_event"`
	ForeignCores float64 `json:"foreign_cores"`
	Void         string  `json:"void,omitempty"`

	millis []float64 // of each event, sorted
}

// startup is process started → first waiting row in a consumer's hands, several times.
type startup struct {
	Millis       []float64 `json:"ms"`
	Median       float64   `json:"median_ms"`
	ForeignCores float64   `json:"foreign_cores"`
}

// idling is a relay without anything to do.
type idling struct {
	WindowSeconds float64 `json:"window_seconds"`
	CPUPerMinute  float64 `json:"cpu_seconds_per_minute"`
	Switches      float64 `json:"context_switches_per_minute"` // voluntary, of all its threads: several for a wake-up
	RSS           int64   `json:"rss_bytes"`
	Private       int64   `json:"rss_anon_bytes"` // of it: not pages of the binary
	ForeignCores  float64 `json:"foreign_cores"`
}

// report is everything that was measured.
type report struct {
	Machine  machine   `json:"machine"`
	Settings settings  `json:"settings"`
	Drains   []drain   `json:"drains,omitempty"`
	Latency  []latency `json:"latency,omitempty"`
	Start    *startup  `json:"start,omitempty"`
	Idle     *idling   `json:"idle,omitempty"`
	Limits   []verdict `json:"limits"`
}

// void reports whether at least one figure means nothing.
func (r *report) void() bool {
	for _, d := range r.Drains {
		if d.Void != "" {
			return true
		}
	}
	for _, l := range r.Latency {
		if l.Void != "" {
			return true
		}
	}
	return false
}
