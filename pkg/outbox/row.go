package outbox

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// rows checks the events and makes their rows. The error is an *EventError.
func (w *Writer) rows(ctx context.Context, events []Event) ([]row, error) {
	if len(events) == 0 {
		return nil, nil
	}
	parent, state := w.traceContext(ctx)
	rows := make([]row, len(events))
	values := make([]value, len(events)*len(w.columns))
	missing := 0
	for i := range events {
		e := &events[i]
		rows[i] = values[i*len(w.columns):][:len(w.columns):len(w.columns)]
		w.fill(rows[i], e, parent, state)
		if e.ID == "" {
			missing++
		}
		if field, err := w.check(rows[i], e); err != nil {
			return nil, &EventError{Index: i, Field: field, Err: err}
		}
	}
	if missing > 0 {
		w.giveIDs(rows, events, missing)
	}
	return rows, nil
}

// giveIDs makes ids for the events without one.
func (w *Writer) giveIDs(rows []row, events []Event, n int) {
	next := 0
	w.ids.batch(time.Now(), n, func(_ int, id string) {
		for events[next].ID != "" {
			next++
		}
		rows[next][indexID].text = id
		next++
	})
}

// NewID returns an id such as Write makes, for callers that need it beforehand.
func (w *Writer) NewID() string {
	var made string
	w.ids.batch(time.Now(), 1, func(_ int, id string) { made = id })
	return made
}

// fill sets all columns but the payload, which can fail.
func (w *Writer) fill(r row, e *Event, parent, state string) {
	r[indexID].text = e.ID
	r[indexAggregateType].text = e.AggregateType
	r[indexAggregateID].text = e.AggregateID
	r[indexType].text = e.Type
	for i := indexExtra; i < len(r); i++ {
		switch col := &w.columns[i]; col.field {
		case "SchemaVersion":
			r[i] = value{strconv.Itoa(int(e.SchemaVersion)), e.SchemaVersion == 0}
		case "Traceparent":
			r[i] = value{parent, parent == ""}
		case "Tracestate":
			r[i] = value{state, state == ""}
		default:
			text, found := e.header(col.header)
			r[i] = value{text, !found}
		}
	}
}

// Encode returns the bytes of a payload as Write writes them, before the column's type
// judges them; nil for NULL. Its error is an ErrCodec.
func (w *Writer) Encode(payload any) ([]byte, error) {
	switch p := payload.(type) {
	case nil:
		return nil, nil
	case []byte:
		return p, nil
	case json.RawMessage:
		return p, nil
	case string:
		return []byte(p), nil
	default:
		encoded, err := w.config.Codec(p)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCodec, err)
		}
		return encoded, nil
	}
}

// setPayload checks the payload for its column, writes it and gives its size in
// the record.
func (w *Writer) setPayload(r row, e *Event) (size int, err error) {
	payload, err := w.Encode(e.Payload)
	if err != nil {
		return 0, err
	}
	if payload == nil {
		r[indexPayload] = value{null: true}
		return 0, nil
	}
	size = len(payload)
	switch w.payload {
	case payloadBytes:
		r[indexPayload] = value{text: `\x` + hex.EncodeToString(payload)}
		return size, nil
	case payloadJSON, payloadJSONB:
		if size, err = checkJSON(payload, w.payload == payloadJSONB); err != nil {
			return 0, err
		}
	case payloadText:
	}
	text := string(payload)
	if !validText(text) {
		return 0, because(ErrText, "want UTF-8 without NUL, or a column of type bytea")
	}
	r[indexPayload] = value{text: text}
	return size, nil
}

// header returns the value of a header of the event.
func (e *Event) header(name string) (value string, found bool) {
	for i := range e.Headers {
		if e.Headers[i].Name == name {
			return e.Headers[i].Value, true
		}
	}
	return "", false
}
