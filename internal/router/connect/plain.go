package connect

import (
	"bytes"
	"encoding/json"
)

// Payload returns what JsonConverter wrote without the schema around it.
func Payload(written []byte) []byte {
	var document struct{ Payload json.RawMessage }
	if bytes.HasPrefix(written, []byte(`{"schema":`)) && json.Unmarshal(written, &document) == nil && document.Payload != nil {
		return document.Payload
	}
	return written
}

// Plain returns the text that JsonConverter wrote, without quotes and without a schema; nil
// for null. What is no string is returned as it is written.
func Plain(written []byte) []byte {
	payload := Payload(written)
	if string(payload) == "null" {
		return nil
	}
	var text string
	if bytes.HasPrefix(payload, []byte(`"`)) && json.Unmarshal(payload, &text) == nil {
		return []byte(text)
	}
	return payload
}
