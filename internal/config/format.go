package config

// The values of outbox.format.key, value and headers.
const (
	EncodingText       = "text"
	EncodingJSON       = "json"
	EncodingJSONSchema = "json_schema"
)

// The values of outbox.format.binary.
const (
	BinaryBytes     = "bytes"
	BinaryBase64    = "base64"
	BinaryBase64URL = "base64-url-safe"
	BinaryHex       = "hex"
)

// Values that several keys share, or that rules ask for.
const (
	behaviorIgnore         = "ignore"
	behaviorOptionalBytes  = "optional_bytes"
	behaviorOptionalString = "optional_string"
	missingError           = "error"
)

// Format says how key, value and headers are written.
type Format struct {
	Key                string     `yaml:"key"`     // text, json, json_schema
	Value              string     `yaml:"value"`   // the same
	Headers            string     `yaml:"headers"` // the same
	Binary             string     `yaml:"binary"`  // bytes, base64, base64-url-safe, hex
	ExpandJSON         bool       `yaml:"expand_json"`
	NullBehavior       string     `yaml:"null_behavior"`        // ignore, optional_bytes
	EmptyArrayBehavior string     `yaml:"empty_array_behavior"` // ignore, optional_string
	Envelope           []Envelope `yaml:"envelope"`             // empty: the value is the payload
	TombstoneOnEmpty   bool       `yaml:"tombstone_on_empty"`
	SchemaVersion      string     `yaml:"schema_version"` // column; "": none
	TopicPrefix        string     `yaml:"topic_prefix"`
}

// Envelope is a member of the value beside the payload.
type Envelope struct {
	Name   string
	Column string
}

// KeepsNull reports whether members of an expanded payload that are null stay.
func (f *Format) KeepsNull() bool { return f.NullBehavior == behaviorOptionalBytes }

// KeepsEmptyArray reports whether members of an expanded payload that are [] stay.
func (f *Format) KeepsEmptyArray() bool { return f.EmptyArrayBehavior == behaviorOptionalString }

// IgnoreMissing reports whether columns of headers, envelope and partition may be missing.
func (o *Outbox) IgnoreMissing() bool { return o.MissingColumns == behaviorIgnore }
