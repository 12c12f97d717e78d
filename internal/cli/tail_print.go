package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/IBM/sarama"
)

// wants reports whether a record passes the filters.
func (t *tailCommand) wants(rec *sarama.ConsumerMessage) bool {
	if t.keyed && !isText(rec.Key, t.key, t.format.Key) {
		return false
	}
	if !t.hasID {
		return true
	}
	for _, h := range rec.Headers {
		if string(h.Key) == "id" && isText(h.Value, t.id, t.format.Headers) {
			return true
		}
	}
	return false
}

func (t *tailCommand) print(out *printer, rec *sarama.ConsumerMessage) error {
	if t.asJSON {
		return json.NewEncoder(out.w).Encode(t.tailed(rec))
	}
	words := []safe{
		out.paint(styleDim, rec.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z")),
		say("%s/%d@%d", rec.Topic, rec.Partition, rec.Offset), "key=" + out.paint(styleBold, shownAs(rec.Key, t.format.Key)),
	}
	for _, h := range rec.Headers {
		words = append(words, say("%s=%s", shown(h.Key), shownAs(h.Value, t.format.Headers)))
	}
	switch {
	case rec.Value == nil:
		words = append(words, "value=null")
	case t.payload:
		words = append(words, say("value=%s", shownAs(rec.Value, t.format.Value)))
	default:
		words = append(words, out.paint(styleDim, fmt.Sprintf("value=<%d bytes>", len(rec.Value))))
	}
	out.words(words)
	return out.err
}

// shown is a text on a terminal: what could be more than text there is escaped.
func shown(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case len(b) == 0:
		return `""`
	case !utf8.Valid(b) || strings.ContainsFunc(string(b), func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(string(b))
	default:
		return string(b)
	}
}

// tailedRecord is a line of `tail --json`. Bytes that are no text are base64, under
// names that say so.
type tailedRecord struct {
	Topic       string         `json:"topic"`
	Partition   int32          `json:"partition"`
	Offset      int64          `json:"offset"`
	Time        time.Time      `json:"time"`
	Key         *string        `json:"key"`
	KeyBase64   []byte         `json:"key_base64,omitempty"`
	Headers     []tailedHeader `json:"headers"`
	ValueBytes  *int           `json:"value_bytes"` // null: a tombstone
	Value       *string        `json:"value,omitempty"`
	ValueBase64 []byte         `json:"value_base64,omitempty"`
}

type tailedHeader struct {
	Name        string  `json:"name"`
	Value       *string `json:"value"`
	ValueBase64 []byte  `json:"value_base64,omitempty"`
}

func headerOf(name string, value []byte) tailedHeader {
	h := tailedHeader{Name: name}
	h.Value, h.ValueBase64 = textOr(value)
	return h
}

func (t *tailCommand) tailed(rec *sarama.ConsumerMessage) tailedRecord {
	line := tailedRecord{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Time: rec.Timestamp.UTC(), Headers: []tailedHeader{},
	}
	line.Key, line.KeyBase64 = textOr(rec.Key)
	for _, h := range rec.Headers {
		line.Headers = append(line.Headers, headerOf(string(h.Key), h.Value))
	}
	if rec.Value != nil {
		line.ValueBytes = new(len(rec.Value))
	}
	if t.payload {
		line.Value, line.ValueBase64 = textOr(rec.Value)
	}
	return line
}

// textOr returns bytes as a text, or as they are when they are none.
func textOr(b []byte) (*string, []byte) {
	if b == nil {
		return nil, nil
	}
	if !utf8.Valid(b) {
		return nil, b
	}
	return new(string(b)), nil
}
