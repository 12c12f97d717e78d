package outbox

import (
	"cmp"
	"fmt"
	"math/bits"
	"strings"

	"github.com/walpost/walpost/pkg/outbox/internal/topicname"
)

// check finds what is wrong with an event, and writes its payload. field names the
// place.
func (w *Writer) check(r row, e *Event) (field string, err error) {
	if field, err := w.checkTexts(r); err != nil {
		return field, err
	}
	if e.ID != "" && strings.EqualFold(w.columns[indexID].cast, "uuid") && !isUUID(e.ID) {
		return "ID", because(ErrID, "want the form 01890a5d-ac96-774b-bcce-b302099a8057, or no ID to have one made")
	}
	if field, err := w.checkExtras(e); err != nil {
		return field, err
	}
	if field, err := w.checkTopic(r); err != nil {
		return field, err
	}
	size, err := w.setPayload(r, e)
	if err != nil {
		return "Payload", err
	}
	if n := w.recordSize(r, size); n > w.config.MaxBytes {
		return "Payload", because(ErrTooLarge, "the record has about %d bytes, and MaxBytes is %d", n, w.config.MaxBytes)
	}
	return "", nil
}

// checkTexts finds a text that is missing or that no column takes.
func (w *Writer) checkTexts(r row) (field string, err error) {
	for i := indexAggregateType; i <= indexType; i++ {
		if r[i].text == "" {
			return w.columns[i].field, ErrRequired
		}
	}
	for i := range r {
		if i != indexPayload && !r[i].null && !validText(r[i].text) {
			return w.columns[i].field, because(ErrText, "want UTF-8 without NUL")
		}
	}
	return "", nil
}

// checkExtras finds headers and a schema version without a column.
func (w *Writer) checkExtras(e *Event) (field string, err error) {
	if e.SchemaVersion != 0 && w.config.Columns.SchemaVersion == "" {
		return "SchemaVersion", ErrNoColumn
	}
	for i, h := range e.Headers {
		if !w.hasHeader(h.Name) {
			return headerField(fmt.Sprintf("%.40s", h.Name)), ErrNoColumn
		}
		for _, earlier := range e.Headers[:i] {
			if earlier.Name == h.Name {
				return headerField(h.Name), because(ErrNoColumn, "a second time: one column holds one value")
			}
		}
	}
	return "", nil
}

func (w *Writer) hasHeader(name string) bool {
	for _, h := range w.config.Headers {
		if h.Header == name {
			return true
		}
	}
	return false
}

// checkTopic makes the topic as the relay would. The field is the first that the
// template names.
func (w *Writer) checkTopic(r row) (field string, err error) {
	var space [64]byte
	name := space[:0]
	for _, part := range w.topic {
		if part.literal != "" {
			name = append(name, part.literal...)
			continue
		}
		if field == "" {
			field = w.columns[part.column].field
		}
		if part.column != indexID && r[part.column].text == "" { // an ID is made if there is none
			return w.columns[part.column].field, because(ErrTopic, "it is empty, and Config.Topic names it")
		}
		name = append(name, r[part.column].text...)
	}
	if fault := topicname.Fault(name); fault != "" {
		return cmp.Or(field, "Config.Topic"), because(ErrTopic, "%.300q %s", name, fault)
	}
	if field != "" && topicname.DeadLetterByConvention(name) {
		return field, because(ErrTopic, "%.300q is the name of a dead letter topic, which no event may name", name)
	}
	return "", nil
}

// recordSize is what the record counts against the relay's kafka.max_message_bytes,
// as Kafka's Java producer counts (AbstractRecords.estimateSizeInBytesUpperBound):
// 61 for the batch, 21 for the record, and each part with its length as a varint.
func (w *Writer) recordSize(r row, payload int) int {
	const overhead, uuidLength = 61 + 21, 36
	n := overhead + sized(len(r[indexAggregateID].text)) + sized(payload) + 1
	for i := range r {
		if header := w.columns[i].header; header != "" {
			n += sized(len(header)) + sized(max(len(r[i].text), 1))
		}
	}
	if r[indexID].text == "" {
		n += uuidLength
	}
	return n
}

// sized is the length of n bytes with their number before them as a zig-zag varint.
func sized(n int) int {
	const septet = 7
	return n + (bits.Len64(uint64(n)<<1|1)+septet-1)/septet
}
