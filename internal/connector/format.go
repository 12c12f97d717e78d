package connector

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// The values of outbox.format.key, value and headers.
const (
	asText       = "text"
	asJSON       = "json"
	asJSONSchema = "json_schema"
)

// encoding is how one part of a record is written.
type encoding struct {
	as   string
	from option
}

// formats is how key, value and headers are written.
type formats struct{ key, value, headers encoding }

// readFormats reads the converters.
func (m *importer) readFormats() {
	m.formats = formats{
		key: m.encoding("key", asJSONSchema), value: m.encoding("value", asJSONSchema), headers: m.encoding("header", asText),
	}
}

// encoding reads the converter of one part.
func (m *importer) encoding(part, fallback string) encoding {
	if m.src.Server {
		return m.serverEncoding(part)
	}
	name := part + ".converter"
	o, ok := m.take(name)
	if !ok {
		m.noConverter(name, fallback)
		return encoding{fallback, option{Raw: "assumed of the worker's " + name}}
	}
	as, known := m.converter(o, name)
	m.converterOptions(o, name)
	if !known {
		return encoding{as: as}
	}
	return encoding{as, o}
}

// noConverter says what is assumed of the worker.
func (m *importer) noConverter(name, fallback string) {
	for _, option := range m.src.Names(name + ".") {
		if o, ok := m.take(option); ok {
			m.look(o, "Kafka Connect ignores it unless %s stands beside it", name)
		}
	}
	if fallback == asText { // Kafka Connect's default, which few workers change
		return
	}
	m.lost(absent(name), "is not given, so that of the worker holds, which is not known here: the file assumes JsonConverter with "+
		"schemas. "+
		"Name the worker's properties with --worker, or set outbox.format")
}

// converter returns the format of a converter's class, and whether walpost writes as it does.
func (m *importer) converter(o option, name string) (as string, known bool) {
	class := o.Value[strings.LastIndexByte(o.Value, '.')+1:]
	switch class {
	case "StringConverter", "SimpleHeaderConverter", "ByteArrayConverter", "BinaryDataConverter", "ByteBufferConverter":
		return asText, true
	case "JsonConverter":
		if strings.EqualFold(m.src.Value(name+".schemas.enable"), "false") {
			return asJSON, true
		}
		return asJSONSchema, true
	case "CloudEventsConverter":
		m.lost(o, "CloudEvents as one JSON document are not written; the file has the payload as text. outbox.cloudevents writes "+
			"the binary mode")
	default:
		m.lost(o, "%s is not known: walpost writes text and Kafka Connect's JSON, and no schema registry; the file has text, which its "+
			"consumers cannot read", class)
	}
	return asText, false
}

// converterOptions says what becomes of the options of a converter.
func (m *importer) converterOptions(converter option, name string) {
	json := strings.HasSuffix(converter.Value, ".JsonConverter")
	for _, full := range m.src.Names(name + ".") {
		o, ok := m.take(full)
		if !ok {
			continue
		}
		switch short := strings.TrimPrefix(full, name+"."); {
		case short == "schemas.enable" && json:
			m.needless(o, "it chooses between json and json_schema of outbox.format")
		case short == "decimal.format" && json && !strings.EqualFold(o.Value, "BASE64"):
			m.lost(o, "numbers of type numeric are written as base64, as by default")
		case short == "replace.null.with.default" && json && strings.EqualFold(o.Value, "false"):
			m.lost(o, "in JSON, NULL in a column with a default is written as the default")
		case strings.HasPrefix(short, "delegate."):
			m.needless(o, "it is for records that are no events, such as heartbeats")
		case strings.Contains(short, "encoding") && !strings.EqualFold(o.Value, "UTF-8") && !strings.EqualFold(o.Value, "UTF8"):
			m.lost(o, "texts are written in UTF-8")
		default:
			m.needless(o, "of the converter, without effect on what walpost writes")
		}
	}
}

// serverEncoding reads the format of Debezium Server, whose default is JSON with schemas.
func (m *importer) serverEncoding(part string) encoding {
	name := "debezium.format." + part
	o, ok := m.take(name)
	if !ok {
		o = option{Raw: "Debezium Server's default of " + name, Value: "json"}
	}
	schemas, hasSchemas := m.take(name+".schemas.enable", "debezium.format.schemas.enable")
	e := encoding{asText, o}
	switch o.Value {
	case "json", "jsonbytearray":
		e.as = asJSONSchema
		if hasSchemas && strings.EqualFold(schemas.Value, "false") {
			e.as = asJSON
		}
	case "simplestring", "binary":
	default:
		e.from = option{}
		m.lost(o, "%s is not known: walpost writes text and JSON, and no schema registry; the file has text, which its consumers "+
			"cannot read",
			o.Value)
	}
	if hasSchemas {
		m.needless(schemas, "it chooses between json and json_schema of outbox.format")
	}
	return e
}

// writeFormats writes outbox.format, as far as it is not the default.
func (m *importer) writeFormats() {
	m.noSchemaWithoutTable()
	f := &m.formats
	for _, part := range []struct {
		key string
		e   encoding
	}{{"key", f.key}, {"value", f.value}, {"headers", f.headers}} {
		if part.e.as != asText {
			m.doc.set("outbox.format."+part.key, textNode(part.e.as), part.e.from)
		} else if part.e.from.Value != "" {
			m.needless(part.e.from, "text is the default of outbox.format.%s", part.key)
		}
	}
	m.binary()
	m.expand()
	m.envelope()
	if o, ok := m.isTrueOf("route.tombstone.on.empty.payload"); ok {
		m.doc.set("outbox.format.tombstone_on_empty", boolNode(true), o)
	}
}

func (m *importer) isTrueOf(name string) (option, bool) { return m.isTrue(m.router.prefix() + name) }

// binary writes what a bytea is.
func (m *importer) binary() {
	o, ok := m.take("binary.handling.mode")
	switch {
	case !ok:
	case o.Value == "bytes":
		m.needless(o, "bytes is the default of outbox.format.binary too")
	default:
		m.doc.set("outbox.format.binary", textNode(m.text(o)), o)
	}
}

// expand writes whether the payload is expanded.
func (m *importer) expand() {
	on, expands := m.isTrueOf("table.expand.json.payload")
	if expands && m.formats.value.as == asText {
		m.lost(on, "with this converter the value is Java's Struct{…}, which walpost does not write: it publishes the text of the "+
			"payload")
		expands = false
	} else if expands {
		m.doc.set("outbox.format.expand_json", boolNode(true), on)
	}
	for _, behavior := range []struct{ name, key, fallback string }{
		{"table.json.payload.null.behavior", "outbox.format.null_behavior", "ignore"},
		{"table.json.payload.empty.array.behavior", "outbox.format.empty_array_behavior", "ignore"},
	} {
		o, ok := m.takeOf(m.router, behavior.name)
		switch {
		case !ok:
		case !expands || o.Value == behavior.fallback:
			m.needless(o, "ignore is the default, and only an expanded payload has it")
		default:
			m.doc.set(behavior.key, textNode(m.text(o)), o)
		}
	}
}

// envelope writes what stands beside the payload, and the name of its schema.
func (m *importer) envelope() {
	prefix, hasPrefix := m.take("topic.prefix", "database.server.name")
	version, hasVersion := m.takeRenamed("table.field.event.schema.version", "table.field.schema.version")
	schemas := m.envelopeMembers() && m.formats.value.as == asJSONSchema
	if hasVersion && schemas {
		m.doc.set("outbox.format.schema_version", textNode(m.text(version)), version)
	} else if hasVersion {
		m.needless(version, "a version shows only in an envelope with its schema")
	}
	switch {
	case !hasPrefix && schemas:
		m.lost(absent("topic.prefix"), "is not given: it names the schema of the envelope, and walpost refuses the file without it")
	case hasPrefix && schemas:
		m.doc.set("outbox.format.topic_prefix", textNode(m.text(prefix)), prefix)
	case hasPrefix:
		m.needless(prefix, "it names topics and schemas that the records of the outbox do not have")
	}
}

// noSchemaWithoutTable takes the schema off an envelope whose table would name it.
func (m *importer) noSchemaWithoutTable() {
	if m.messageTopic && len(m.placements.envelope) > 0 && m.formats.value.as == asJSONSchema {
		m.formats.value.as = asJSON
		m.lost(m.formats.value.from, "an envelope of messages has no schema, since the table that names it is missing: the file has json")
	}
}

// envelopeMembers writes the members, and reports whether there are any.
func (m *importer) envelopeMembers() bool {
	p := &m.placements
	if len(p.envelope) == 0 {
		return false
	}
	if m.formats.value.as == asText {
		m.lost(p.from, "with this converter an envelope is Java's Struct{…}, which walpost does not write: it publishes the "+
			"payload alone")
		return false
	}
	var items []*yaml.Node
	for _, e := range p.envelope {
		if e.name == e.column {
			items = append(items, textNode(escape(e.column)))
		} else {
			items = append(items, pair(e.column, e.name))
		}
	}
	m.doc.set("outbox.format.envelope", list(items...), p.from)
	return true
}
