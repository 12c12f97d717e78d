package vectortest

import (
	"maps"
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// smtPrefix stands before the options of EventRouter in a connector's configuration.
const smtPrefix = "transforms.outbox."

// Mapping returns the mapping that stands for a connector's configuration, with or
// without the prefix of its transform. Converters that it does not name are String and
// SimpleHeader. Where there is no such mapping the reason says which option walpost has no
// counterpart for.
func Mapping(config map[string]string) (m router.Mapping, reason string) {
	m = router.Mapping{ID: "id", Key: "aggregateid", Value: "payload", MaxBytes: 1 << 20}
	m.Format.TopicPrefix = "pfx"
	routeBy := "aggregatetype"
	m.Replacement = "outbox.event.${routedByValue}"
	for _, option := range slices.Sorted(maps.Keys(config)) {
		value := config[option]
		name := strings.TrimPrefix(option, smtPrefix)
		if format(&m, name, value) {
			continue
		}
		switch name {
		case "table.field.event.id":
			m.ID = value
		case "table.field.event.key":
			m.Key = value
		case "table.field.event.payload":
			m.Value = value
		case "table.field.event.timestamp":
			m.Timestamp = value
		case "route.by.field":
			routeBy = value
		case "route.topic.regex":
			m.TopicRegex = value
		case "route.topic.replacement":
			m.Replacement = value
		case "table.fields.additional.placement":
			reason = place(&m, value)
		case "key.converter":
			m.Format.Key, reason = converter(config, option)
		case "value.converter":
			m.Format.Value, reason = converter(config, option)
		case "header.converter":
			m.Format.Headers, reason = converter(config, option)
		default:
			reason = noCounterpart(name, value)
		}
		if reason != "" {
			return m, reason
		}
	}
	setTopic(&m, routeBy)
	return m, ""
}

// dropUseless takes off what shows only in the schema of an envelope.
func dropUseless(f *router.Format) {
	if len(f.Envelope) == 0 || f.Value != router.EncodingJSONSchema {
		f.SchemaVersion, f.TopicPrefix = "", ""
	}
}

// format sets what stands in the section outbox.format, and reports whether the option is
// there.
func format(m *router.Mapping, option, value string) bool {
	f := &m.Format
	switch option {
	case "route.tombstone.on.empty.payload":
		f.TombstoneOnNull = value == "true"
	case "table.expand.json.payload":
		f.ExpandJSON = value == "true"
	case "table.json.payload.null.behavior":
		f.KeepNull = value == "optional_bytes"
	case "table.json.payload.empty.array.behavior":
		f.KeepEmptyArray = value == "optional_string"
	case "table.field.event.schema.version":
		f.SchemaVersion = value
	case "table.field.additional.missing":
		m.IgnoreMissing = value == "ignore"
	case "topic.prefix":
		f.TopicPrefix = value
	case "binary.handling.mode":
		f.Binary = map[string]debezium.Binary{
			"base64": debezium.BinaryBase64, "base64-url-safe": debezium.BinaryBase64URL, "hex": debezium.BinaryHex,
		}[value]
	default:
		return false
	}
	return true
}

// place reads Debezium's list of column:placement[:alias].
func place(m *router.Mapping, list string) (reason string) {
	for item := range strings.SplitSeq(list, ",") {
		parts := strings.Split(strings.TrimSpace(item), ":")
		if len(parts) != 2 && len(parts) != 3 {
			return "a placement that Debezium refuses at start"
		}
		column, alias := parts[0], parts[len(parts)-1]
		if len(parts) == 2 {
			alias = column
		}
		switch parts[1] {
		case "header":
			m.Headers = append(m.Headers, router.HeaderColumn{Name: alias, Column: column})
		case "partition":
			m.Partition = column
		case "envelope":
			m.Format.Envelope = append(m.Format.Envelope, router.EnvelopeColumn{Name: alias, Column: column})
		default:
			return "a placement that Debezium refuses at the first record"
		}
	}
	return ""
}

// setTopic writes the replacement of the default expression as a template where it is one.
func setTopic(m *router.Mapping, column string) {
	before, after, ok := strings.Cut(m.Replacement, "${routedByValue}")
	if m.TopicRegex != "" || !ok || strings.ContainsAny(before+after, `$\`) {
		m.Topic = topicname.Template{{Column: column}}
		if m.TopicRegex == "" {
			m.TopicRegex = "(?<routedByValue>.*)"
		}
		return
	}
	m.Replacement = ""
	for _, part := range []topicname.Part{{Literal: before}, {Column: column}, {Literal: after}} {
		if part != (topicname.Part{}) {
			m.Topic = append(m.Topic, part)
		}
	}
}

// noCounterpart checks the options that have no place in a mapping: "" for those that
// change nothing in the bytes of a record.
func noCounterpart(option, value string) (reason string) {
	switch option {
	case "connector.class", "tasks.max", "plugin.name", "transforms", "type",
		"table.include.list", "publication.autocreate.mode", "publish.via.partition.root",
		"tombstones.on.delete", "extended.headers.enabled", "key.converter.schemas.enable",
		"value.converter.schemas.enable", "header.converter.schemas.enable":
		return ""
	case "snapshot.mode":
		if value != "no_data" && value != "initial" {
			return "a snapshot of another kind than `walpost init --publish-existing`"
		}
		return ""
	case "table.op.invalid.behavior":
		return invalidOperation(value)
	}
	return "option `" + option + "`"
}

func invalidOperation(value string) string {
	switch value {
	case "warn", "error", "fatal":
		return "" // the first two ignore an UPDATE, as walpost does; at the third the case has an error
	}
	return "a value that Debezium refuses at start"
}

// converter returns the encoding of a converter.
func converter(config map[string]string, option string) (e router.Encoding, reason string) {
	class := config[option]
	switch class[strings.LastIndexByte(class, '.')+1:] {
	case "StringConverter", "ByteArrayConverter", "BinaryDataConverter", "SimpleHeaderConverter":
		return router.EncodingText, ""
	case "JsonConverter":
		if config[option+".schemas.enable"] == "false" {
			return router.EncodingJSON, ""
		}
		return router.EncodingJSONSchema, ""
	}
	return router.EncodingText, "option `" + option + "`: " + class
}
