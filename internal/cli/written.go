package cli

import (
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/router/connect"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// isText reports whether a part of a record is a text: byte for byte, or, where a format of
// outbox.format writes JSON, without quotes and schema.
func isText(part []byte, text, format string) bool {
	if part == nil {
		return false
	}
	if string(part) == text {
		return true
	}
	plain := plainText(part, format)
	return plain != nil && string(plain) == text
}

// plainText is the text that a part of a record stands for, nil for null.
func plainText(part []byte, format string) []byte {
	if format == config.EncodingText {
		return part
	}
	return connect.Plain(part)
}

// shownAs is shown for a part of a record in a format of outbox.format: without its schema.
func shownAs(part []byte, format string) string {
	if format == config.EncodingJSONSchema {
		part = connect.Payload(part)
	}
	return shown(part)
}

// eventID is the id of the event in a dead letter, as the table has it.
func eventID(d *deadletter.Record, format *config.Format) string {
	return string(plainText([]byte(d.Event.ID), format.Headers))
}
