//go:build faults

package handover_test

import (
	"regexp"

	"github.com/walpost/walpost/internal/config/configtest"
)

const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
	jsonConverter   = "org.apache.kafka.connect.json.JsonConverter"
)

// format is how a connector writes key, value and headers, and what walpost's configuration has for it.
type format struct {
	name      string
	connector map[string]string
	placement string // what table.fields.additional.placement has beside the headers
	walpost   configtest.Keys
	differs   *regexp.Regexp // what of a record may differ, as docs/debezium.md says; nil: nothing
}

func formats() []format {
	return []format{
		{name: "text", connector: map[string]string{"key.converter": stringConverter, "value.converter": stringConverter}},
		{
			name: "json", connector: converters("key", "value", "header"),
			walpost: configtest.Keys{"outbox.format": map[string]any{"key": "json", "value": "json", "headers": "json"}},
		},
		{
			name: "json_schema", connector: schemas(converters("key", "value", "header")),
			walpost: configtest.Keys{"outbox.format": map[string]any{
				"key": "json_schema", "value": "json_schema", "headers": "json_schema",
			}},
		},
		envelope(),
		expanded(),
	}
}

// envelope has columns beside the payload, one of them under another name. Debezium gives the schema of the first aggregate type
// to all of them.
func envelope() format {
	f := format{
		name: "envelope", connector: schemas(converters("value")),
		placement: ",type:envelope:kind,version:envelope,aggregateid:envelope:of",
		differs:   regexp.MustCompile(`\.(order|payment|end)\.Value`),
		walpost: configtest.Keys{"outbox.format": map[string]any{
			"value": "json_schema", "envelope": []any{map[string]string{"type": "kind"}, "version", map[string]string{"aggregateid": "of"}},
		}},
	}
	f.connector["key.converter"] = stringConverter
	return f
}

// expanded publishes the payload as an object, with all that is null or empty in it.
func expanded() format {
	f := format{
		name: "expanded", connector: schemas(converters("key", "value")),
		walpost: configtest.Keys{"outbox.format": map[string]any{
			"key": "json_schema", "value": "json_schema", "expand_json": true,
			"null_behavior": "optional_bytes", "empty_array_behavior": "optional_string",
		}},
	}
	const of = "transforms.outbox.table."
	f.connector[of+"expand.json.payload"] = "true"
	f.connector[of+"json.payload.null.behavior"] = "optional_bytes"
	f.connector[of+"json.payload.empty.array.behavior"] = "optional_string"
	return f
}

// converters write these parts of a record as JSON without schemas.
func converters(parts ...string) map[string]string {
	set := map[string]string{}
	for _, part := range parts {
		set[part+".converter"] = jsonConverter
		set[part+".converter.schemas.enable"] = "false"
	}
	return set
}

// schemas makes the converters write schemas.
func schemas(set map[string]string) map[string]string {
	for name, value := range set {
		if value == "false" {
			set[name] = "true"
		}
	}
	return set
}
