package metrics

import (
	"math"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/internal/status"
)

// Source is what is asked of a relay when metrics are read.
type Source interface {
	Report() status.Report
}

// walStatuses are the values of pg_replication_slots.wal_status.
func walStatuses() []string { return []string{"reserved", "extended", "unreserved", "lost"} }

// gauges reads the relays when it is asked, so that nothing has to be kept up to date.
type gauges struct {
	all []*prometheus.Desc

	state, conditions            *prometheus.Desc
	events, bytes                *prometheus.Desc
	lag, oldest                  *prometheus.Desc
	slotLag, retained, safe, wal *prometheus.Desc
	underReplicated, shrinks     *prometheus.Desc
	groupLag                     *prometheus.Desc
	transaction                  *prometheus.Desc

	mu      sync.Mutex
	sources map[string]Source
}

func newGauges() *gauges {
	g := &gauges{sources: map[string]Source{}}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc(name, help, append([]string{relayLabel}, labels...), nil)
		g.all = append(g.all, d)
		return d
	}
	g.state = desc("walpost_state", "What the relay is doing: 1 for the state it is in, 0 for the others.", stateLabel)
	g.conditions = desc("walpost_condition", "1 while something is not as it should be; docs/operations.md explains each.",
		conditionLabel, severityLabel)
	g.events = desc("walpost_in_flight_events", "Records that are read and not acknowledged by Kafka.")
	g.bytes = desc("walpost_in_flight_bytes", "Memory of what is read and not acknowledged by Kafka.")
	g.lag = desc("walpost_lag_seconds", "Time since the commit of the oldest event that is read and not acknowledged by Kafka; 0 "+
		"without one.")
	g.oldest = desc("walpost_oldest_unacked_seconds",
		"Time since the oldest event that Kafka has not acknowledged was read; 0 without one.")
	g.transaction = desc("walpost_kafka_transaction_open_seconds",
		"Time since the present Kafka transaction of exactly_once was opened; 0 while none is open.")
	g.slotLag = desc("walpost_slot_lag_bytes", "WAL between the slot's confirmed position and the end; NaN until the slot was seen.")
	g.retained = desc("walpost_slot_retained_bytes", "WAL that Postgres keeps for the slot; NaN until the slot was seen.")
	g.safe = desc("walpost_slot_safe_wal_bytes", "WAL that may still be written before the slot is in danger; +Inf without a limit, "+
		"NaN until the slot was seen.")
	g.wal = desc("walpost_slot_wal_status", "The slot's wal_status: 1 for the one it has, 0 for the others.", statusLabel)
	g.underReplicated = desc("walpost_topic_under_replicated_partitions",
		"Partitions of a topic written with a replica that is not in sync.", topicLabel)
	g.shrinks = desc("walpost_topic_isr_shrinks_total",
		"Times that a replica was seen to have left the in-sync replicas of a partition of a topic written.", topicLabel)
	g.groupLag = desc("walpost_consumer_group_lag", "Records of a topic written that a consumer group has still to read.",
		groupLabel, topicLabel)
	return g
}

// Watch reads what the relay of that name says of itself.
func (r *Registry) Watch(name string, source Source) {
	r.gauges.mu.Lock()
	defer r.gauges.mu.Unlock()
	r.gauges.sources[name] = source
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.all {
		ch <- d
	}
}

// Collect is part of prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, source := range g.sources {
		rep := source.Report()
		s := &sample{relay: name, ch: ch}
		g.flow(s, &rep)
		g.slot(s, &rep)
		g.kafka(s, &rep)
	}
}

// sample is one relay in one answer.
type sample struct {
	relay string
	ch    chan<- prometheus.Metric
}

func (s *sample) of(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, kind, value, append([]string{s.relay}, labels...)...)
}

func (s *sample) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.of(d, prometheus.GaugeValue, value, labels...)
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func (g *gauges) flow(s *sample, rep *status.Report) {
	for _, state := range status.States() {
		s.gauge(g.state, truth(state == rep.State), string(state))
	}
	there := map[string]bool{}
	for _, c := range rep.Conditions {
		there[c.Name] = true
	}
	for _, kind := range status.Conditions() {
		s.gauge(g.conditions, truth(there[kind.Name]), kind.Name, string(kind.Severity))
	}
	if f := rep.InFlight; f != nil {
		s.gauge(g.events, float64(f.Events))
		s.gauge(g.bytes, float64(f.Bytes))
	}
	s.gauge(g.lag, known(rep.LagSeconds))
	s.gauge(g.oldest, known(rep.OldestUnacked))
	var open float64
	if t := rep.Transactions; t != nil {
		open = t.OpenSeconds
	}
	s.gauge(g.transaction, open)
}

func (g *gauges) slot(s *sample, rep *status.Report) {
	retained, safe, status := math.NaN(), math.NaN(), ""
	if slot := rep.Slot; slot != nil {
		status, retained, safe = slot.WALStatus, float64(slot.RetainedBytes), math.Inf(1)
		switch {
		case slot.SafeWALBytes != nil:
			safe = float64(*slot.SafeWALBytes)
		case status == "lost": // Postgres says no number then either
			safe = 0
		}
	}
	s.gauge(g.slotLag, known(rep.LagBytes))
	s.gauge(g.retained, retained)
	s.gauge(g.safe, safe)
	for _, w := range walStatuses() {
		s.gauge(g.wal, truth(w == status), w)
	}
}

func (g *gauges) kafka(s *sample, rep *status.Report) {
	var under, shrinks int
	for _, t := range rep.Topics {
		if t.UnderReplicated != nil {
			under++
			s.gauge(g.underReplicated, float64(*t.UnderReplicated), t.Topic)
		}
		if t.ISRShrinks != nil {
			shrinks++
			s.of(g.shrinks, prometheus.CounterValue, float64(*t.ISRShrinks), t.Topic)
		}
	}
	for _, l := range rep.ConsumerGroups {
		s.gauge(g.groupLag, float64(l.Records), l.Group, l.Topic)
	}
	// A family that has nothing to say yet is there as `other`, at 0.
	if under == 0 {
		s.gauge(g.underReplicated, 0, other)
	}
	if shrinks == 0 {
		s.of(g.shrinks, prometheus.CounterValue, 0, other)
	}
	if len(rep.ConsumerGroups) == 0 {
		s.gauge(g.groupLag, 0, other, other)
	}
}

// known is NaN for what is not.
func known[T int64 | float64](v *T) float64 {
	if v == nil {
		return math.NaN()
	}
	return float64(*v)
}
