// Package metrics counts what relays do, in Prometheus' form.
//
// It knows the metrics of walpost and the client library, and nobody else does.
// Label values are bounded: topics by a limit, everything else by what the code
// can say.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Labels beside `relay`, which every metric of walpost has.
const (
	relayLabel   = "relay"
	topicLabel   = "topic"
	reasonLabel  = "reason"
	opLabel      = "op"
	peerLabel    = "peer"
	classLabel   = "class"
	outcomeLabel = "outcome"
	stateLabel   = "state"
	statusLabel  = "status"
	groupLabel   = "group"

	conditionLabel = "condition"
	severityLabel  = "severity"
)

// Registry holds the metrics of one process.
type Registry struct {
	registry *prometheus.Registry
	gauges   *gauges

	published, bytes, rejected, deadLetters *prometheus.CounterVec
	ignored, reconnects, repeats, errors    *prometheus.CounterVec
	pruned, transactions                    *prometheus.CounterVec
	requests, commitToAck                   *prometheus.HistogramVec
}

// counter is one for each relay, and for each value of more labels.
func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{relayLabel}, labels...))
}

// histogram is one for each relay.
func histogram(name, help string, buckets ...float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{relayLabel})
}

// New makes the metrics of a process, with those of the Go runtime and of the
// process itself.
func New() *Registry {
	r := &Registry{
		registry:  prometheus.NewRegistry(),
		gauges:    newGauges(),
		published: counter("walpost_events_published_total", "Records that Kafka acknowledged.", topicLabel),
		bytes: counter("walpost_bytes_published_total", "Bytes of the records that Kafka acknowledged, before compression.",
			topicLabel),
		rejected:    counter("walpost_events_rejected_total", "Records that Kafka can never accept, by reason.", topicLabel, reasonLabel),
		deadLetters: counter("walpost_dead_letters_total", "Dead letters that Kafka acknowledged.", topicLabel),
		ignored: counter("walpost_changes_ignored_total",
			"Changes that publish nothing: all but inserts into the outbox, and rows that outbox.filter leaves out (filtered).", opLabel),
		reconnects: counter("walpost_reconnects_total", "Connections that were opened again.", peerLabel),
		repeats:    counter("walpost_possible_repeats_total", "Records that may be in Kafka twice."),
		pruned:     counter("walpost_rows_pruned_total", "Rows that outbox.prune deleted from the table."),
		transactions: counter("walpost_kafka_transactions_total",
			"Kafka transactions of exactly_once: committed, or aborted and written again.", outcomeLabel),
		errors: counter("walpost_produce_errors_total",
			"Batches that Kafka did not acknowledge at an attempt, by class of the answer.", classLabel),
		requests: histogram("walpost_kafka_request_seconds", "Time from a produce request to its answer.",
			.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10),
		commitToAck: histogram("walpost_commit_to_ack_seconds", "Time from the commit of an event to Kafka's acknowledgement.",
			.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300, 1800),
	}
	r.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		r.gauges, r.published, r.bytes, r.rejected, r.deadLetters, r.ignored,
		r.reconnects, r.repeats, r.pruned, r.transactions, r.errors, r.requests, r.commitToAck,
	)
	return r
}

// Handler answers with all metrics.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
