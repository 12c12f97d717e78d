package connector

import (
	"go.yaml.in/yaml/v4"
)

// outbox writes the mapping of the event router.
func (m *importer) outbox() {
	m.routerPredicate()
	m.readPlacements()
	m.readFormats()
	m.writeTable()
	m.topic()
	m.column("outbox.id", "id", "table.field.event.id", "")
	m.column("outbox.key", "aggregateid", "table.field.event.key", "table.field.payload.id")
	m.column("outbox.value", "payload", "table.field.event.payload", "table.field.payload")
	m.timestamp()
	m.partition()
	m.otherTransforms()
	m.writeTopic()
	m.writeHeaders()
	m.writeFormats()
	m.trace()
	m.operations()
}

// column sets a key to a column whose name is not the default.
func (m *importer) column(key, fallback, name, old string) {
	o, ok := m.takeRenamed(name, old)
	if !ok {
		return
	}
	if o.Value == fallback {
		m.needless(o, "%s is the default of %s too", fallback, key)
		return
	}
	m.doc.set(key, textNode(m.text(o)), o)
}

// timestamp sets the column of the record's time.
func (m *importer) timestamp() {
	o, ok := m.takeOf(m.router, "table.field.event.timestamp")
	switch {
	case !ok:
	case m.src.Server:
		m.needless(o, "Debezium Server's Kafka sink does not pass the router's time on")
	default:
		m.doc.set("outbox.timestamp", textNode(m.text(o)), o)
	}
}

// partition sets the column of the partition.
func (m *importer) partition() {
	switch o := m.placements.from; {
	case m.placements.partition == "":
	case m.src.Server:
		m.look(o, "Debezium Server's Kafka sink does not pass the router's partition on: records stay in the partition of their key")
	default:
		m.doc.set("outbox.partition", textNode(escape(m.placements.partition)), o)
	}
}

// trace passes a trace context on.
func (m *importer) trace() {
	if o, ok := m.takeOf(m.router, "tracing.span.context.field"); ok {
		m.doc.set("outbox.trace", textNode(m.text(o)), o)
		m.look(o, "walpost writes the trace context of the row into the headers traceparent and tracestate; Debezium makes spans of "+
			"its own between, and writes no such header without OpenTelemetry on its class path")
	}
	if o, ok := m.takeOf(m.router, "tracing.operation.name"); ok {
		m.needless(o, "walpost makes no span of this name")
	}
	if o, ok := m.takeOf(m.router, "tracing.with.context.field.only"); ok {
		m.needless(o, "rows without a trace context get no header")
	}
}

// operations says what becomes of updates.
func (m *importer) operations() {
	if o, ok := m.takeOf(m.router, "table.field.event.type"); ok {
		m.needless(o, "Debezium does not use it either: a placement makes the header")
	}
	if o, ok := m.takeRenamed("table.op.invalid.behavior", "debezium.op.invalid.behavior"); ok {
		if o.Value == "fatal" {
			m.lost(o, "an UPDATE of the outbox ends Debezium's task; walpost counts it in walpost_changes_ignored_total and goes on")
		} else {
			m.needless(o, "walpost counts updates in walpost_changes_ignored_total, and publishes none")
		}
	}
	if o, ok := m.takeOf(m.router, "field.name.adjustment.mode"); ok && o.Value != "none" {
		m.lost(o, "members of an expanded payload keep their names")
	} else if ok {
		m.needless(o, "none, as in walpost")
	}
}

// headerNode is a header of a column.
func headerNode(column string) *yaml.Node { return textNode(escape(column)) }
