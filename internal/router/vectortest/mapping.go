package vectortest

import (
	"maps"
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/topicname"
)

// smtPrefix stands before the options of EventRouter in a connector's configuration.
const smtPrefix = "transforms.outbox."

// Mapping returns the mapping that stands for a connector's configuration, with or
// without the prefix of its transform. Where there is none the reason says which option
// walpost has no counterpart for.
func Mapping(config map[string]string) (m router.Mapping, reason string) {
	m = router.Mapping{ID: "id", Key: "aggregateid", Value: "payload", MaxBytes: 1 << 20}
	routeBy, replacement := "aggregatetype", "outbox.event.${routedByValue}"
	for _, option := range slices.Sorted(maps.Keys(config)) {
		value := config[option]
		switch name := strings.TrimPrefix(option, smtPrefix); name {
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
		case "route.topic.replacement":
			replacement = value
		case "table.fields.additional.placement":
			if reason = place(&m, value); reason != "" {
				return m, reason
			}
		default:
			if reason = noCounterpart(name, value); reason != "" {
				return m, reason
			}
		}
	}
	m.Topic, reason = topic(routeBy, replacement)
	return m, reason
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
			return "placement `envelope`: walpost publishes the payload by itself"
		default:
			return "a placement that Debezium refuses at the first record"
		}
	}
	return ""
}

// topic turns a replacement into a template.
func topic(column, replacement string) (parts topicname.Template, reason string) {
	before, after, ok := strings.Cut(replacement, "${routedByValue}")
	if !ok || strings.ContainsAny(before+after, `$\`) {
		return nil, "a replacement with groups or escapes: `outbox.topic` is a template over columns"
	}
	for _, part := range []topicname.Part{{Literal: before}, {Column: column}, {Literal: after}} {
		if part != (topicname.Part{}) {
			parts = append(parts, part)
		}
	}
	return parts, ""
}

// noCounterpart checks the options that have no place in a mapping: "" for those that
// change nothing in the bytes of a record.
func noCounterpart(option, value string) (reason string) {
	switch option {
	case "connector.class", "tasks.max", "topic.prefix", "plugin.name", "transforms", "type",
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
	case "key.converter", "value.converter", "header.converter":
		return converter(option, value)
	case "route.topic.regex":
		return "a regular expression over the topic: `outbox.topic` is a template over columns"
	case "route.tombstone.on.empty.payload":
		return "tombstones for empty payloads: walpost makes one of NULL only"
	case "table.expand.json.payload":
		return "expansion of the JSON payload: walpost never parses a payload"
	case "table.field.event.schema.version":
		return "a schema version: walpost publishes no schemas"
	case "table.field.additional.missing":
		return "columns that may be missing: walpost halts at a missing column"
	case "binary.handling.mode":
		return "bytea as text: walpost publishes the bytes of a bytea payload"
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

func converter(option, class string) string {
	switch class[strings.LastIndexByte(class, '.')+1:] {
	case "StringConverter", "ByteArrayConverter", "BinaryDataConverter", "SimpleHeaderConverter":
		return ""
	case "JsonConverter":
		return "JsonConverter: walpost publishes text as it is"
	}
	return "option `" + option + "`: " + class
}
