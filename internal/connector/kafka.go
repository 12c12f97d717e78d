package connector

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/connector/source"
)

// producer returns an option of the connector's producer.
func (m *importer) producer(name string) (option, bool) {
	return m.take(source.ProducerPrefix+"override."+name, source.ProducerPrefix+name)
}

// kafka writes the section of that name.
func (m *importer) kafka() {
	m.brokers()
	if o, ok := m.producer("client.id"); ok {
		m.doc.set("kafka.client_id", textNode(m.text(o)), o)
	}
	m.compression()
	if o, ok := m.producer("linger.ms"); ok {
		m.milliseconds("kafka.linger", o)
	}
	if o, ok := m.producer("max.request.size"); ok {
		m.doc.set("kafka.max_message_bytes", m.number(o), o)
	}
	m.newTopics()
	m.security()
}

func (m *importer) brokers() {
	o, ok := m.producer(source.BootstrapServers)
	if worker, there := m.take(source.BootstrapServers); there {
		if ok {
			m.needless(worker, "%s holds", o.Raw)
		} else {
			o, ok = worker, true
		}
	}
	if !ok {
		m.result.handover.set("KAFKA_BROKERS")
		m.look(absent(source.BootstrapServers), "is of the Connect worker: set KAFKA_BROKERS to host:port, or several with commas "+
			"between; or name "+
			"the worker's properties with --worker")
		m.doc.set("kafka.brokers", list(textNode("${KAFKA_BROKERS}")))
		return
	}
	var items []*yaml.Node
	for _, host := range splitList(o.Value) {
		_, bare, hasProtocol := strings.Cut(host, "://")
		if hasProtocol {
			host = bare
		}
		items = append(items, textNode(m.text(option{Raw: o.Raw, Value: host})))
	}
	m.doc.set("kafka.brokers", list(items...), o)
}

// compression keeps what consumers can read: Kafka Connect's default is none.
func (m *importer) compression() {
	o, ok := m.producer("compression.type")
	if !ok {
		o = option{Raw: "the producer's default, walpost's is lz4", Value: "none"}
	}
	m.doc.set("kafka.compression", textNode(m.text(o)), o)
}

var digits = regexp.MustCompile(`^[0-9]+$`)

func (m *importer) milliseconds(key string, o option) {
	if digits.MatchString(o.Value) {
		m.doc.set(key, textNode(o.Value+"ms"), o)
		return
	}
	m.lost(o, "%s is no number: set %s", o.Value, key)
}

// number is a number, or a reference to one.
func (m *importer) number(o option) *yaml.Node {
	text := m.text(o)
	if regexp.MustCompile(`^-?[0-9]+$`).MatchString(text) {
		return intNode(text)
	}
	return textNode(text)
}

// newTopics says how missing topics are made.
func (m *importer) newTopics() {
	const group, key = "topic.creation.default.", "kafka.topics."
	enabled, given := m.take("topic.creation.enable")
	replicas, hasReplicas := m.take(group + "replication.factor")
	partitions, hasPartitions := m.take(group + "partitions")
	off := given && strings.EqualFold(enabled.Value, "false")
	switch {
	case hasReplicas && !off:
		m.doc.set(key+"create", boolNode(true), replicas)
		m.doc.set(key+"replication_factor", m.number(replicas), replicas)
	case hasReplicas:
		m.needless(replicas, "topic.creation.enable is false")
	default:
		m.look(absent("topic.creation.default.replication.factor"), "is not given, so a broker may have made missing topics "+
			"(auto.create.topics.enable); walpost makes none unless kafka.topics.create is true, and rejects their records")
	}
	if hasPartitions && hasReplicas && !off {
		m.doc.set(key+"partitions", m.number(partitions), partitions)
	} else if hasPartitions {
		m.needless(partitions, "without replication.factor beside it, or topic.creation.enable, it has no effect")
	}
	if given {
		m.needless(enabled, "kafka.topics.create says it")
	}
	m.topicSettings(hasReplicas && !off)
}

// topicSettings takes the settings of new topics, and names groups.
func (m *importer) topicSettings(create bool) {
	const group = "topic.creation.default."
	for _, name := range m.src.Names(group) {
		o, ok := m.take(name)
		switch setting := strings.TrimPrefix(name, group); {
		case !ok:
		case setting == "include" || setting == "exclude":
			m.needless(o, "the default group is for every topic")
		case create:
			m.doc.setBelow("kafka.topics.config", setting, textNode(m.text(o)), o)
		default:
			m.needless(o, "without replication.factor beside it, it has no effect")
		}
	}
	for _, name := range m.src.Names("topic.creation.") {
		if o, ok := m.take(name); ok {
			m.lost(o, "groups of topics are not known: name these topics in kafka.topics.declare")
		}
	}
}

// delivery says what happens to what cannot be delivered.
func (m *importer) delivery() {
	m.tolerance()
	if o, ok := m.take("exactly.once.support"); ok {
		if o.Value == "required" {
			m.doc.set("delivery.guarantee", textNode("exactly_once"), o)
		} else {
			m.needless(o, "walpost's default is at least once, as a worker without exactly.once.source.support")
		}
	}
}

// tolerance is which failures are passed over.
func (m *importer) tolerance() {
	skip := false
	o, ok := m.take("errors.tolerance")
	if ok && o.Value == "all" {
		skip = true
		m.doc.set("delivery.on_reject", textNode("skip"), o)
		m.look(o, "records that Kafka can never accept are left out and logged; delivery.on_reject: dead_letter keeps them")
	} else if ok {
		m.needless(o, "walpost's default, stop, is as strict")
	}
	o, ok = m.take("event.processing.failure.handling.mode")
	switch {
	case !ok:
	case o.Value == "fail" || skip:
		m.needless(o, "delivery.on_reject says it")
	default:
		m.doc.set("delivery.on_reject", textNode("skip"), o)
	}
}

// logging carries what Debezium Server says of its log.
func (m *importer) logging() {
	if o, ok := m.take("quarkus.log.level"); ok {
		level, known := map[string]string{
			"TRACE": "debug", "DEBUG": "debug", "INFO": "info", "WARN": "warn", "WARNING": "warn", "ERROR": "error", "FATAL": "error",
		}[strings.ToUpper(o.Value)]
		if known {
			m.doc.set("log.level", textNode(level), o)
		} else {
			m.needless(o, "log.level is info")
		}
	}
	if o, ok := m.take("quarkus.log.console.json"); ok {
		if strings.EqualFold(o.Value, "false") {
			m.doc.set("log.format", textNode("console"), o)
		} else {
			m.needless(o, "json is the default of log.format")
		}
	}
}
