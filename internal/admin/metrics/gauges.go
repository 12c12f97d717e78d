package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/internal/relay"
)

// Source is what is asked of a relay when metrics are read.
type Source interface {
	Status() relay.Status
	InFlight() (events int, bytes int64)
}

// gauges reads the relays when it is asked, so that nothing has to be kept up to date.
type gauges struct {
	state, events, bytes *prometheus.Desc

	mu      sync.Mutex
	sources map[string]Source
}

func newGauges() *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{relayLabel}, labels...), nil)
	}
	return &gauges{
		state:   desc("walpost_state", "What the relay is doing: 1 for the state it is in, 0 for the others.", stateLabel),
		events:  desc("walpost_in_flight_events", "Records that are read and not acknowledged by Kafka."),
		bytes:   desc("walpost_in_flight_bytes", "Memory of what is read and not acknowledged by Kafka."),
		sources: map[string]Source{},
	}
}

// Watch reads state and what is in flight from the relay of that name.
func (r *Registry) Watch(name string, source Source) {
	r.gauges.mu.Lock()
	defer r.gauges.mu.Unlock()
	r.gauges.sources[name] = source
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- g.state
	ch <- g.events
	ch <- g.bytes
}

// Collect is part of prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for name, source := range g.sources {
		now := source.Status().State
		for _, s := range relay.States() {
			value := 0.0
			if s == now {
				value = 1
			}
			gauge(g.state, value, name, string(s))
		}
		events, bytes := source.InFlight()
		gauge(g.events, float64(events), name)
		gauge(g.bytes, float64(bytes), name)
	}
}
