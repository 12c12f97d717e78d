package outbox

import (
	"context"
	"encoding/json"
	"fmt"
)

// Emit sends events as the zero [Config] has it. See [Outbox.Emit].
func Emit(ctx context.Context, tx Execer, events ...Event) error {
	o, err := New(Config{})
	if err != nil {
		return err
	}
	return o.Emit(ctx, tx, events...)
}

// Emit writes events into the write-ahead log without a table, by
// pg_logical_emit_message(true, 'outbox', …) in the caller's transaction: they are
// there if, and only if, it commits. It checks events and makes ids as Write does,
// in one round trip too.
//
// There is no table to keep clean, and none to look into either: what was emitted
// before the slot existed, or while it was lost, cannot be published again.
//
// The message is a JSON object. Its keys are the names of the configured columns,
// its values what the columns would hold: a payload of type json or jsonb as it
// was given, bytea as \x and hexadecimal digits in a string, everything else as
// strings. A key that is missing is NULL.
//
//	{"id":"01890a5d-…","aggregatetype":"order","aggregateid":"42","type":"OrderPlaced","payload":{"total":12.50}}
//
// The relay does not read messages yet: until a release of walpost has
// `outbox.source: message`, they are for readers of your own.
func (o *Outbox) Emit(ctx context.Context, tx Execer, events ...Event) error {
	rows, err := o.rows(ctx, events)
	if err != nil {
		return err
	}
	messages := make([]row, len(rows))
	for i, r := range rows {
		text, err := o.message(r)
		if err != nil {
			return &EventError{Index: i, Field: "Payload", Err: err}
		}
		messages[i] = row{{text: text}}
	}
	for len(messages) > 0 {
		n := chunk(messages)
		_, err := tx.ExecContext(ctx, "SELECT pg_logical_emit_message(true, $1::text, message) FROM unnest($2::text[]) AS message",
			o.config.MessagePrefix, array(messages[:n], 0))
		if err != nil {
			return fmt.Errorf("outbox: emit messages: %w", err)
		}
		messages = messages[n:]
	}
	return nil
}

// message is a row as JSON. The payload goes in byte for byte, which json.Marshal
// would not do.
func (o *Outbox) message(r row) (string, error) {
	out := []byte{'{'}
	for i, v := range r {
		if v.null {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		name, err := json.Marshal(o.columns[i].name)
		if err != nil {
			return "", err
		}
		out = append(append(out, name...), ':')
		if i == indexPayload && (o.payload == payloadJSON || o.payload == payloadJSONB) {
			out = append(out, v.text...)
			continue
		}
		text, err := json.Marshal(v.text)
		if err != nil {
			return "", err
		}
		out = append(out, text...)
	}
	return string(append(out, '}')), nil
}
