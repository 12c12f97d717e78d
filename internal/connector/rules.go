package connector

import "slices"

// rules are the options that no key of walpost comes from, and what follows from that.
func rules() []rule {
	return slices.Concat(connectRules(), sourceRules(), recordRules(), snapshotRules(), sideRules(), producerRules(), serverRules())
}

// connectRules are options of Kafka Connect.
func connectRules() []rule {
	return []rule{
		{"name", needless("the name of the relay is made of it")},
		{"tasks.max tasks.max.enforce", needless("one relay reads one slot, as one task does")},
		{
			"config.action.reload connector.plugin.version key.converter.plugin.version value.converter.plugin.version " +
				"header.converter.plugin.version",
			needless("of Kafka Connect's process"),
		},
		{"errors.log.enable errors.log.include.messages", needless("walpost logs each rejected record, without its payload")},
		{
			"errors.retry.timeout errors.retry.delay.max.ms errors.max.retries",
			needless("walpost retries what can heal without limit"),
		},
		{
			"errors.deadletterqueue.",
			needless("Kafka Connect reads it for sink connectors alone; delivery.on_reject: dead_letter is walpost's"),
		},
		{
			"transaction.boundary transaction.boundary.interval.ms offsets.storage.topic",
			needless("the position is in walpost's own topic, and a Kafka transaction ends where one of Postgres does"),
		},
		{"behavior.on.null.values", needless("Kafka Connect knows it for sink connectors alone")},
	}
}

// sourceRules are options of how Debezium reads Postgres.
func sourceRules() []rule {
	return []rule{
		{
			"schema.include.list schema.exclude.list schema.whitelist schema.blacklist table.exclude.list table.blacklist " +
				"database.include.list database.exclude.list table.ignore.builtin",
			needless("walpost reads outbox.table alone"),
		},
		{
			"column.include.list column.exclude.list column.whitelist column.blacklist",
			needless("walpost reads the columns that the file names"),
		},
		{"slot.drop.on.stop slot.drop_on_stop", dropsSlot},
		{
			"slot.max.retries slot.retry.delay.ms retriable.restart.connector.wait.ms",
			needless("walpost connects again without limit"),
		},
		{"slot.stream.params", lost("parameters of the stream are walpost's own")},
		{"status.update.interval.ms", needless("walpost confirms within a second")},
		{
			"lsn.flush.mode flush.lsn.source lsn.flush.timeout.ms lsn.flush.timeout.action",
			needless("walpost confirms what Kafka has acknowledged, and what needs no confirmation"),
		},
		{"xmin.fetch.interval.ms", needless("walpost status asks for it")},
		{"publish.via.partition.root", needless("the publication is there; walpost check says what it lacks")},
		{"replica.identity.autoset.values", needless("inserts need no replica identity")},
		{
			"database.initial.statements",
			lost("no statement is run at each connect: settings of the session are walpost's own, and objects are for a migration"),
		},
		{
			"database.tcpKeepAlive database.query.timeout.ms connection.validation.timeout.ms executor.shutdown.timeout.ms " +
				"streaming.delay.ms query.fetch.size",
			needless("connections and their times are walpost's own"),
		},
		{"database.sslfactory", lost("a class of Java: postgres.url has sslmode, sslrootcert, sslcert and sslkey")},
		{"database. driver.", lost("a setting of Java's driver, which walpost does not use")},
		{
			"poll.interval.ms max.batch.size max.queue.size max.queue.size.in.bytes",
			needless("delivery.in_flight bounds what is read and not acknowledged"),
		},
		{"skipped.operations truncate.handling.mode skip.messages.without.change", needless("inserts alone are events")},
		{
			"message.prefix.include.list message.prefix.exclude.list",
			unless("outbox", "messages of pg_logical_emit_message are not published beside the rows of a table: outbox.source: "+
				"message reads "+
				"them instead"),
		},
		{"unavailable.value.placeholder", needless("an insert has all of its columns")},
		{"offset.mismatch.strategy", comesBack},
	}
}

// dropsSlot makes the hand-over say what a connector that drops its slot needs.
func dropsSlot(m *importer, o option) {
	if o.Value != "true" {
		m.needless(o, "walpost keeps the slot")
		return
	}
	m.result.handover.dropsSlot = true
	m.look(o, "walpost keeps the slot; the connector drops it when it stops, see the steps")
}

// comesBack makes the hand-over say what a connector needs to come back to a slot that walpost has moved on.
func comesBack(m *importer, o option) {
	h := &m.result.handover
	h.trustsSlot = o.Value == trustSlot
	switch {
	case h.trustsSlot:
		m.needless(o, "to walpost the slot is the position; the connector needs it to come back")
	case h.slot == "":
		m.needless(o, "to walpost the slot is the position")
	default:
		m.look(o, "to walpost the slot is the position; the connector needs %s to come back, see the steps", trustSlot)
	}
}

// recordRules are options of what is in a record.
func recordRules() []rule {
	return []rule{
		{"extended.headers.enabled", unless("false", "the headers __debezium.context.* are not written")},
		{
			"tombstones.on.delete message.key.columns topic.naming.strategy topic.delimiter topic.cache.size " +
				"topic.heartbeat.prefix include.schema.comments include.schema.changes sourceinfo.struct.maker " +
				"schema.refresh.mode memory.management.",
			needless("the event router takes key, value and topic from the row"),
		},
		{"event.converting.failure.handling.mode", needless("a row that cannot become a record follows delivery.on_reject")},
		{"decimal.handling.mode", unless("precise", "a column of type numeric is written as with precise")},
		{
			"time.precision.mode",
			unless("adaptive", "columns with a time are written as with adaptive: timestamp as microseconds since 1970"),
		},
		{"interval.handling.mode", unless("numeric", "an interval is written as microseconds")},
		{"hstore.handling.mode", lost("hstore is written as Postgres prints it")},
		{"schema.name.adjustment.mode field.name.adjustment.mode sanitize.field.names " +
			"event.deserialization.failure.handling.mode", unless(
			"none false", "names of schemas and members stay as they are")},
		{"include.unknown.datatypes", needless("columns of every type are written, as Postgres prints them")},
		{
			"column.mask. column.truncate. column.propagate. datatype.propagate. column.propagate.source.type " +
				"datatype.propagate.source.type",
			lost("columns are written as they are: nothing is masked, cut or described"),
		},
		{"converters post.processors", lost("classes of Java that change columns: they are written as Postgres prints them")},
		{"output.data.format output.key.format", lost("a format of Confluent Cloud: set outbox.format")},
	}
}

// snapshotRules are options of snapshots: what is in the table before the slot.
func snapshotRules() []rule {
	return []rule{
		{"snapshot.mode", snapshotMode},
		{
			"snapshot. snapshot incremental.snapshot. legacy.snapshot. initial.sync.",
			needless("with the connector's slot, walpost goes on where it stopped, and needs no snapshot"),
		},
	}
}

// snapshotMode hints at the first start with a slot of walpost's own.
func snapshotMode(m *importer, o option) {
	switch o.Value {
	case "never", "no_data", "schema_only":
		m.needless(o, "walpost publishes no row from before the slot")
	default:
		m.needless(o, "the slot goes on; for a new slot, walpost init --publish-existing publishes what is in the table first")
	}
}

// sideRules are options of what a connector does beside the outbox.
func sideRules() []rule {
	return []rule{
		{
			"heartbeat.interval.ms heartbeat.topics.prefix",
			needless("walpost confirms an idle slot by itself; nobody gets records of the heartbeat topic any more"),
		},
		{
			"heartbeat.action.query",
			needless("walpost confirms an idle slot by itself: the table for it can go, once nobody else needs it"),
		},
		{
			"provide.transaction.metadata transaction.metadata.factory transaction.topic",
			unless("false", "the topic of transactions is not written"),
		},
		{"signal.data.collection signal.kafka. signal.file signal.enabled.channels signal.consumer.", signals},
		{"signal.", needless("of signals")},
		{"notification.", lost("no notifications are sent: walpost has /status, metrics and a log")},
		{"openlineage.", unless("false", "no lineage is reported")},
		{
			"custom.metric.tags statistics.metrics.enabled custom.sanitize.pattern",
			needless("walpost has metrics and logs of its own"),
		},
		{"guardrail.", needless("walpost reads one table")},
		{"internal.", lost("an internal option of Debezium")},
		{"database.history. schema.history.internal.", needless("Debezium's Postgres connector has no such history")},
		{"database.server.id", needless("it is of MySQL")},
	}
}

// signals are how an operator asks Debezium for more.
func signals(m *importer, o option) {
	if o.Value == "source" {
		m.needless(o, "the default, without effect unless there is a table for signals")
		return
	}
	m.lost(o, "signals are not read: walpost replay publishes again what a signal would have asked for")
}
