package config

const formatSection = "outbox.format"

// format refuses keys of outbox.format that contradict each other, or that would change
// nothing.
func (r *reader) format() {
	at := func(name string) string { return formatSection + "." + name }
	if !r.sound(at("key"), at("value"), at("headers"), at("envelope"), at("expand_json"), "outbox.key", "outbox.source") {
		return
	}
	f := &r.cfg.Outbox.Format
	switch enveloped := len(f.Envelope) > 0; {
	case f.Key != EncodingText && r.cfg.Outbox.Key.Column == "" && len(r.cfg.Outbox.Key.Columns)+len(r.cfg.Outbox.Key.JSON) > 0:
		r.fault(r.at(at("key")), at("key"), "a key of several columns, or of a member of JSON, is a text: leave it out")
	case f.Value == EncodingText && f.ExpandJSON:
		r.fault(r.at(at("expand_json")), at("expand_json"), "a text has no members: want %s json or json_schema", at("value:"))
	case f.Value == EncodingText && enveloped:
		r.fault(r.at(at("envelope")), at("envelope"), "a text has no members: want %s json or json_schema", at("value:"))
	}
	if !f.ExpandJSON {
		r.useless("null_behavior", f.KeepsNull(), "without expand_json")
		r.useless("empty_array_behavior", f.KeepsEmptyArray(), "without expand_json")
	}
	r.envelopeSchema(at)
}

// envelopeSchema wants a name for the schema of an envelope, and no other keys of a schema.
func (r *reader) envelopeSchema(at func(name string) string) {
	f := &r.cfg.Outbox.Format
	if len(f.Envelope) == 0 || f.Value != EncodingJSONSchema {
		r.useless("schema_version", f.SchemaVersion != "", "without an envelope and value: json_schema")
		r.useless("topic_prefix", f.TopicPrefix != "", "without an envelope and value: json_schema")
		return
	}
	switch {
	case r.cfg.Outbox.Messages():
		r.fault(r.at(at("envelope")), at("envelope"),
			"the name of its schema has the table, which outbox.source: message does not have: want %s json", at("value:"))
	case f.TopicPrefix == "":
		r.fault(r.at(at("envelope")), formatSection, "the schema of an envelope needs a name: set %s, as topic.prefix of the connector",
			at("topic_prefix"))
	}
}

// useless refuses a key that is set and changes nothing.
func (r *reader) useless(name string, set bool, why string) {
	path := formatSection + "." + name
	if set && r.sound(path) {
		r.fault(r.at(path), path, "it changes nothing %s: leave it out", why)
	}
}

// missingColumns wants a table.
func (r *reader) missingColumns() {
	const key = "outbox.missing_columns"
	if r.sound(key, "outbox.source") && r.cfg.Outbox.Messages() && r.cfg.Outbox.IgnoreMissing() {
		r.fault(r.at(key), key, "outbox.source: message has no columns that could be missing: leave it out")
	}
}
