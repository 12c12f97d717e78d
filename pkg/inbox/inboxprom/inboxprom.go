// Package inboxprom gives metrics of package inbox to Prometheus.
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

// Metrics is an Observer that counts. Several consumers may share one.
//
//	walpost_inbox_events_total{topic,result}       processed, repeated, parked, dead_lettered
//	walpost_inbox_retries_total{topic,class}       attempts that will be repeated
//	walpost_inbox_transaction_seconds{topic}       histogram; a batch counts once for each event, by its share
//	walpost_inbox_event_age_seconds{topic}         histogram: from the record's timestamp to the commit
//	walpost_inbox_kafka_errors_total               failures of connections and of the group
//	walpost_inbox_stops_total                      errors that ended a consumer
//
// and from Watch, with the label consumer:
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
	kafka       prometheus.Counter
	stops       prometheus.Counter
}

var _ inbox.Observer = (*Metrics)(nil)

// New registers the metrics.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "walpost", Subsystem: "inbox", Name: name, Help: help}
	}
	histogram := func(name, help string, first float64) *prometheus.HistogramVec {
		const factor, count = 2, 16
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "walpost", Subsystem: "inbox", Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(first, factor, count),
		}, []string{"topic"})
	}
	const fastest, freshest = 0.0005, 0.001 // seconds
	m := &Metrics{
		registerer: registerer,
		events: prometheus.NewCounterVec(prometheus.CounterOpts(name("events_total", "Events that are done.")),
			[]string{"topic", "result"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts(name("retries_total", "Attempts that failed and will be repeated.")),
			[]string{"topic", "class"}),
		transaction: histogram("transaction_seconds", "Time of a transaction; of a batch, the share of an event.", fastest),
		age:         histogram("event_age_seconds", "Time from the record's timestamp to the commit.", freshest),
		kafka:       prometheus.NewCounter(prometheus.CounterOpts(name("kafka_errors_total", "Failures of connections and of the group."))),
		stops:       prometheus.NewCounter(prometheus.CounterOpts(name("stops_total", "Errors that ended a consumer."))),
	}
	for _, c := range []prometheus.Collector{m.events, m.retries, m.transaction, m.age, m.kafka, m.stops} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("inboxprom: %w", err)
		}
	}
	return m, nil
}

// Observe counts.
func (m *Metrics) Observe(o inbox.Observation) {
	switch o.Kind {
	case inbox.KindProcessed:
		m.events.WithLabelValues(o.Event.Topic, "processed").Inc()
		m.transaction.WithLabelValues(o.Event.Topic).Observe(o.Took.Seconds())
		m.age.WithLabelValues(o.Event.Topic).Observe(time.Since(o.Event.Time).Seconds())
	case inbox.KindRepeated:
		m.events.WithLabelValues(o.Event.Topic, "repeated").Inc()
	case inbox.KindDeadLettered:
		m.events.WithLabelValues(o.Event.Topic, "dead_lettered").Inc()
	case inbox.KindParked:
		m.events.WithLabelValues(o.Event.Topic, "parked").Inc()
	case inbox.KindRetrying:
		m.retries.WithLabelValues(o.Event.Topic, o.Class.String()).Inc()
	case inbox.KindKafkaFailed:
		m.kafka.Inc()
	case inbox.KindStopped:
		m.stops.Inc()
	case inbox.KindAssigned, inbox.KindRevoked, inbox.KindWarned:
	}
}
