// Package inboxprom has Prometheus metrics of packages inbox and projection.
//
//	metrics, err := inboxprom.New(prometheus.DefaultRegisterer)
//	...
//	config.Observers = []inbox.Observer{inbox.Log(slog.Default()), metrics}
//	consumer, err := inbox.New(config, inbox.Pgx(pool), handle)
//	...
//	err = metrics.Watch("payments", consumer)
//
// It knows Prometheus' client and package inbox, and nothing else.
package inboxprom

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/pkg/inbox"
)

// Metrics is an inbox.Observer that counts. Several consumers and projections may share one.
// Each metric also has the label projection: the name of the projection, and empty for a
// consumer.
//
//	walpost_inbox_events_total{topic,result}       processed, repeated, parked, dead_lettered, rebuilt
//	walpost_inbox_retries_total{topic,class}       attempts that will be repeated
//	walpost_inbox_transaction_seconds{topic}       histogram; a batch counts once for each event, by its share
//	walpost_inbox_event_age_seconds{topic}         histogram: from the record's timestamp to the commit
//	walpost_inbox_kafka_errors_total               failures of connections and of the group
//	walpost_inbox_stops_total                      errors that ended a consumer
//
// and from Watch, with the labels consumer, and rebuild for what Rebuild of a projection reads:
//
//	walpost_inbox_lag{consumer,topic,partition}              records behind the end, of this member's partitions
//	walpost_inbox_waiting{consumer,topic,partition}          records read and not done
//	walpost_inbox_stalled_seconds{consumer,topic,partition}  since the last progress, while records wait; else 0
type Metrics struct {
	registerer  prometheus.Registerer
	events      *prometheus.CounterVec
	retries     *prometheus.CounterVec
	transaction *prometheus.HistogramVec
	age         *prometheus.HistogramVec
	kafka       *prometheus.CounterVec
	stops       *prometheus.CounterVec
}

var _ inbox.Observer = (*Metrics)(nil)

// New returns Metrics that are registered at registerer. It returns an error if they are
// registered already.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "walpost", Subsystem: "inbox", Name: name, Help: help}
	}
	histogram := func(name, help string, first float64) *prometheus.HistogramVec {
		const factor, count = 2, 16
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "walpost", Subsystem: "inbox", Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(first, factor, count),
		}, []string{"topic", "projection"})
	}
	const fastest, freshest = 0.0005, 0.001 // seconds
	m := &Metrics{
		registerer: registerer,
		events: prometheus.NewCounterVec(prometheus.CounterOpts(name("events_total", "Events that are done.")),
			[]string{"topic", "result", "projection"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts(name("retries_total", "Attempts that failed and will be repeated.")),
			[]string{"topic", "class", "projection"}),
		transaction: histogram("transaction_seconds", "Time of a transaction; of a batch, the share of an event.", fastest),
		age:         histogram("event_age_seconds", "Time from the record's timestamp to the commit.", freshest),
		kafka: prometheus.NewCounterVec(prometheus.CounterOpts(name("kafka_errors_total", "Failures of connections and of the group.")),
			[]string{"projection"}),
		stops: prometheus.NewCounterVec(prometheus.CounterOpts(name("stops_total", "Errors that ended a consumer.")),
			[]string{"projection"}),
	}
	for _, c := range []prometheus.Collector{m.events, m.retries, m.transaction, m.age, m.kafka, m.stops} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("inboxprom: %w", err)
		}
	}
	m.kafka.WithLabelValues("") // they are there from the start
	m.stops.WithLabelValues("")
	return m, nil
}

// Observe counts an observation.
func (m *Metrics) Observe(o inbox.Observation) {
	topic := ""
	if o.Event != nil {
		topic = o.Event.Topic
	}
	switch o.Kind {
	case inbox.KindProcessed:
		m.processed(o)
	case inbox.KindRepeated:
		m.events.WithLabelValues(topic, "repeated", o.Projection).Inc()
	case inbox.KindDeadLettered:
		m.events.WithLabelValues(topic, "dead_lettered", o.Projection).Inc()
	case inbox.KindParked:
		m.events.WithLabelValues(topic, "parked", o.Projection).Inc()
	case inbox.KindRetrying:
		m.retries.WithLabelValues(topic, o.Class.String(), o.Projection).Inc()
	case inbox.KindKafkaFailed:
		m.kafka.WithLabelValues(o.Projection).Inc()
	case inbox.KindStopped:
		m.stops.WithLabelValues(o.Projection).Inc()
	case inbox.KindAssigned, inbox.KindRevoked, inbox.KindWarned, inbox.KindRebuilt:
	}
}

// processed counts an event that is done. Events of a rebuild are old, which says nothing.
func (m *Metrics) processed(o inbox.Observation) {
	topic, result := o.Event.Topic, "processed"
	if o.Rebuild {
		result = "rebuilt"
	} else {
		m.age.WithLabelValues(topic, o.Projection).Observe(time.Since(o.Event.Time).Seconds())
	}
	m.events.WithLabelValues(topic, result, o.Projection).Inc()
	m.transaction.WithLabelValues(topic, o.Projection).Observe(o.Took.Seconds())
}
