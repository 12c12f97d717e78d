package config

import "slices"

// formatKey is how key, value and headers are written.
func formatKey() key {
	return key{
		name: "format", about: "How key, value and headers are written: as texts, or as Kafka's JsonConverter does. See " +
			"[debezium.md](debezium.md#formats) for examples.",
		keys: slices.Concat(encodingKeys(), []key{binaryKey()}, payloadKeys(), envelopeKeys()),
	}
}

// encodingKeys are which converter each part of a record is written with.
func encodingKeys() []key {
	encodings := textRules{enum: []string{EncodingText, EncodingJSON, EncodingJSONSchema}}
	return []key{
		{
			name: "key", fallback: EncodingText,
			about: "Of the key. text: StringConverter. json: JsonConverter with schemas.enable=false. json_schema: JsonConverter with " +
				"schemas. A key of other bytes is in another partition, and NULL as JSON is the key `null`.",
			value: text(func(c *Config) *string { return &c.Outbox.Format.Key }, encodings),
		},
		{
			name: "value", fallback: EncodingText,
			about: "Of the value, with the same values. A `jsonb` payload as json is one JSON string, as JsonConverter writes it: for " +
				"the JSON itself use text, or expand_json.",
			value: text(func(c *Config) *string { return &c.Outbox.Format.Value }, encodings),
		},
		{
			name: "headers", fallback: EncodingText,
			about: "Of the headers that come from columns, and of `id`. text: SimpleHeaderConverter.",
			value: text(func(c *Config) *string { return &c.Outbox.Format.Headers }, encodings),
		},
	}
}

// binaryKey is what a bytea is.
func binaryKey() key {
	return key{
		name: "binary", fallback: BinaryBytes,
		about: "What a `bytea` is, as binary.handling.mode. bytes: its bytes as key or value, base64 in headers and JSON. Else a text in " +
			"that form.",
		value: text(func(c *Config) *string { return &c.Outbox.Format.Binary },
			textRules{enum: []string{BinaryBytes, BinaryBase64, BinaryBase64URL, BinaryHex}}),
	}
}

// payloadKeys are what becomes of the payload.
func payloadKeys() []key {
	return []key{
		{
			name: "expand_json", fallback: "false",
			about: "Publish a payload that is a JSON object as an object, as table.expand.json.payload. A payload that Debezium cannot " +
				"expand stays a string.",
			value: boolean(func(c *Config) *bool { return &c.Outbox.Format.ExpandJSON }),
		},
		{
			name: "null_behavior", fallback: behaviorIgnore,
			about: "With expand_json: whether members that are null are left out, or stay as optional bytes.",
			value: text(func(c *Config) *string { return &c.Outbox.Format.NullBehavior },
				textRules{enum: []string{behaviorIgnore, behaviorOptionalBytes}}),
		},
		{
			name: "empty_array_behavior", fallback: behaviorIgnore,
			about: "With expand_json: whether members that are [] are left out, or stay as arrays of optional strings.",
			value: text(func(c *Config) *string { return &c.Outbox.Format.EmptyArrayBehavior },
				textRules{enum: []string{behaviorIgnore, behaviorOptionalString}}),
		},
		{
			name: "tombstone_on_empty", fallback: "false",
			about: "Publish a tombstone for a payload that is NULL or a text of blanks, as route.tombstone.on.empty.payload. As text, " +
				"NULL is a tombstone anyway.",
			value: boolean(func(c *Config) *bool { return &c.Outbox.Format.TombstoneOnEmpty }),
		},
	}
}

// envelopeKeys are what stands beside the payload.
func envelopeKeys() []key {
	return []key{
		{
			name: "envelope", fallback: "[]",
			about: "Columns that stand in the value beside the payload, each as `column` or `{column: alias}`: the value is an object " +
				"with `payload` and these members.",
			value: envelope{at: func(c *Config) *[]Envelope { return &c.Outbox.Format.Envelope }},
		},
		column("schema_version", "With an envelope and json_schema: integer column of the version of the value's schema.",
			func(c *Config) *string { return &c.Outbox.Format.SchemaVersion }),
		{
			name: "topic_prefix", fallback: `""`,
			about: "Debezium's topic.prefix. With an envelope and json_schema it begins the name of the value's schema: " +
				"`<topic_prefix>.<schema>.<table>.<value of the topic's column>.Value`.",
			value: text(func(c *Config) *string { return &c.Outbox.Format.TopicPrefix }, textRules{}),
		},
	}
}

// missingColumnsKey is what a missing column means.
func missingColumnsKey() key {
	return key{
		name: "missing_columns", fallback: missingError,
		about: "What a column of `headers`, `partition` or `format.envelope` means that the table lacks. error: the relay does not " +
			"start, or halts. ignore: the record lacks it too, as with table.field.additional.missing=ignore.",
		value: text(func(c *Config) *string { return &c.Outbox.MissingColumns },
			textRules{enum: []string{missingError, behaviorIgnore}}),
	}
}
