package outbox

import (
	"context"
	"fmt"
)

// Emit sends events as the zero [Config] has it. See [Writer.Emit].
func Emit(ctx context.Context, tx Tx, events ...Event) error {
	w, err := defaultWriter()
	if err != nil {
		return err
	}
	return w.Emit(ctx, tx, events...)
}

// Emit writes events into the write-ahead log without a table, by
// pg_logical_emit_message(true, 'outbox', …) in the caller's transaction: they are
// there if, and only if, it commits. It checks events and makes ids as Write does,
// in one round trip too. A relay with `outbox.source: message` publishes them as
// the same records that Write would give.
//
// There is no table to keep clean, and none to look into either: what was emitted
// before the slot existed, or while it was lost, cannot be published again.
//
// The caller's role needs EXECUTE on pg_logical_emit_message, which every role has
// until it is revoked from PUBLIC; the relay refuses to start before that is done.
//
// The message is a JSON object in UTF-8. Its keys are the names of the configured
// columns, its values the texts of what the columns would hold, as strings; null
// or a missing key is NULL. A payload of type jsonb is a string with the text that
// Postgres prints, any other with the text as it was given; bytea is an object
// with the hexadecimal digits.
//
//	{"id" : "01890a5d-…", "aggregatetype" : "order", "aggregateid" : "42", "type" : "OrderPlaced", "payload" : "{\"total\": 12.50}"}
//	{…, "payload" : {"hex" : "00ff"}}
//
// A column of a type whose text in a record is not simply its text in SQL cannot
// be emitted: with Config.Types other than text, varchar, uuid, json, jsonb,
// bytea, boolean, the integers and timestamptz, Emit returns [ErrConfig].
func (w *Writer) Emit(ctx context.Context, tx Tx, events ...Event) error {
	emit, err := emitStatement(w.columns)
	if err != nil {
		return err
	}
	rows, err := w.rows(ctx, events)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := chunk(rows)
		args := append([]any{w.config.MessagePrefix}, arrays(rows[:n])...)
		if _, err := tx.ExecContext(ctx, emit, args...); err != nil {
			return fmt.Errorf("outbox: emit messages: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}
