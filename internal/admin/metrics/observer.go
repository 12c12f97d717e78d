package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay"
)

// The peers of walpost_reconnects_total.
const (
	peerPostgres = "postgres"
	peerKafka    = "kafka"
)

// MaxTopics is how many topics of a relay have series of their own: the names
// come from a column, and each costs memory here and in Prometheus. What goes to
// further topics is counted under the topic "other".
const MaxTopics = 1000

// Observer counts what one relay does. It allocates nothing per call but for
// label values it has not seen.
type Observer struct {
	published, rejected, deadLetters *series
	ignored, errors                  *series

	postgres, kafka, repeats, pruned prometheus.Counter
	requests, commitToAck            prometheus.Observer
	connected                        atomic.Bool // to Postgres, once
	committed, aborted               prometheus.Counter
}

var _ relay.Observer = (*Observer)(nil)

// Observer creates the series of a relay. Where the label values are known they are there
// from the start, at 0.
func (r *Registry) Observer(name string) *Observer {
	counter := func(vec *prometheus.CounterVec, labels ...string) prometheus.Counter {
		return vec.WithLabelValues(append([]string{name}, labels...)...)
	}
	o := &Observer{
		published: newSeries(MaxTopics, func(l labels) *pair {
			return &pair{events: counter(r.published, l.first), bytes: counter(r.bytes, l.first)}
		}),
		rejected:    newSeries(MaxTopics, func(l labels) *pair { return &pair{events: counter(r.rejected, l.first, l.second)} }),
		deadLetters: newSeries(MaxTopics, func(l labels) *pair { return &pair{events: counter(r.deadLetters, l.first)} }),
		ignored:     newSeries(maxWords, func(l labels) *pair { return &pair{events: counter(r.ignored, l.first)} }),
		errors:      newSeries(maxWords, func(l labels) *pair { return &pair{events: counter(r.errors, l.first)} }),
		postgres:    counter(r.reconnects, peerPostgres),
		kafka:       counter(r.reconnects, peerKafka),
		repeats:     counter(r.repeats),
		pruned:      counter(r.pruned),
		committed:   counter(r.transactions, "committed"),
		aborted:     counter(r.transactions, "aborted"),
		requests:    r.requests.WithLabelValues(name),
		commitToAck: r.commitToAck.WithLabelValues(name),
	}
	r.startAtZero(name)
	for _, op := range []string{"insert", "update", "delete", "truncate", "message", "filtered"} {
		o.ignored.of(labels{first: op})
	}
	for _, class := range answer.Classes() {
		o.errors.of(labels{first: class})
	}
	return o
}

// startAtZero makes what has no topic yet, as `other`: the family can be alerted on.
func (r *Registry) startAtZero(name string) {
	r.published.WithLabelValues(name, other)
	r.bytes.WithLabelValues(name, other)
	r.deadLetters.WithLabelValues(name, other)
	for _, reason := range record.Reasons() {
		r.rejected.WithLabelValues(name, other, reason)
	}
}

// Published counts records that Kafka acknowledged.
func (o *Observer) Published(topic string, records, bytes int) {
	s := o.published.of(topicLabels(topic, ""))
	s.add(records, bytes)
}

// Rejected counts a record that Kafka can never accept.
func (o *Observer) Rejected(topic, reason string) {
	if reason == record.ReasonTooManyTopics { // rows make the names up
		topic = ""
	}
	o.rejected.of(topicLabels(topic, reason)).add(1, 0)
}

// DeadLettered counts a dead letter that Kafka acknowledged.
func (o *Observer) DeadLettered(topic string) { o.deadLetters.of(topicLabels(topic, "")).add(1, 0) }

// ProduceError counts a batch that was not acknowledged at an attempt.
func (o *Observer) ProduceError(class string) { o.errors.of(labels{first: class}).add(1, 0) }

// PossibleRepeats counts records that may be in Kafka twice.
func (o *Observer) PossibleRepeats(records int) { o.repeats.Add(float64(records)) }

// Request measures one produce request.
func (o *Observer) Request(d time.Duration) { o.requests.Observe(d.Seconds()) }

// CommitToAck measures the way of an event from its commit to Kafka's acknowledgement.
func (o *Observer) CommitToAck(d time.Duration) { o.commitToAck.Observe(d.Seconds()) }

// Reconnected counts a connection to a broker.
func (o *Observer) Reconnected() { o.kafka.Inc() }

// Transaction counts a Kafka transaction.
func (o *Observer) Transaction(committed bool) {
	if committed {
		o.committed.Inc()
		return
	}
	o.aborted.Inc()
}

// ChangeIgnored counts a change that publishes nothing.
func (o *Observer) ChangeIgnored(op string) { o.ignored.of(labels{first: op}).add(1, 0) }

// Pruned counts rows that the relay deleted from the outbox.
func (o *Observer) Pruned(rows int) { o.pruned.Add(float64(rows)) }

// PostgresConnected counts a stream that was opened again: every one but the first.
func (o *Observer) PostgresConnected() {
	if o.connected.Swap(true) {
		o.postgres.Inc()
	}
}
