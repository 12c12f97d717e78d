package writer

import (
	"fmt"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/header"
)

const (
	// maxCutHeader and maxCutHeaders bound what the shortest form of a dead letter
	// keeps of headers: of the value of each, and of all of them.
	maxCutHeader  = 255
	maxCutHeaders = 4 << 10
	// headerBytes is what an empty header counts: there may be very many.
	headerBytes = 8
)

// Shorter returns a shorter form of a dead letter that is larger than its topic takes:
// without its value, or, when it has none any more, without its key and with short
// headers. ok is false when there is no shorter one. A header says what it lacks. The
// relay does the same (internal/record).
func Shorter(m *sarama.ProducerMessage) (short *sarama.ProducerMessage, ok bool) {
	next := &sarama.ProducerMessage{Topic: m.Topic, Partition: m.Partition, Key: m.Key}
	if m.Value != nil && m.Value.Length() > 0 {
		next.Headers = lacks(m.Headers, fmt.Sprintf("value of %d bytes", m.Value.Length()))
		return next, true
	}
	var lost []string
	if m.Key != nil && m.Key.Length() > maxCutHeader {
		next.Key = nil
		lost = append(lost, fmt.Sprintf("key of %d bytes", m.Key.Length()))
	}
	headers, cut := cutHeaders(m.Headers)
	if lost = append(lost, cut...); len(lost) == 0 {
		return nil, false
	}
	next.Headers = lacks(headers, strings.Join(lost, "; "))
	return next, true
}

// cutHeaders shortens the values of the record's own headers, and leaves out what is
// too much all the same. Those of the dead letter, which are short, stay.
func cutHeaders(all []sarama.RecordHeader) (kept []sarama.RecordHeader, lost []string) {
	size := 0
	for _, h := range all {
		if strings.HasPrefix(string(h.Key), dlt.HeaderPrefix) {
			kept = append(kept, h)
			continue
		}
		if size += headerBytes + len(h.Key) + min(len(h.Value), maxCutHeader); size > maxCutHeaders {
			if len(lost) < 8 {
				lost = append(lost, fmt.Sprintf("header %.64q of %d bytes", h.Key, len(h.Value)))
			}
			continue
		}
		if len(h.Value) > maxCutHeader {
			lost = append(lost, fmt.Sprintf("header %.64q from %d bytes on, of %d", h.Key, maxCutHeader, len(h.Value)))
			h.Value = h.Value[:maxCutHeader:maxCutHeader]
		}
		kept = append(kept, h)
	}
	return kept, lost
}

// lacks notes in the dead letter what it lacks, after what it lacked before.
func lacks(headers []sarama.RecordHeader, what string) []sarama.RecordHeader {
	noted := make([]sarama.RecordHeader, 0, len(headers)+1)
	for _, h := range headers {
		if string(h.Key) == dlt.HeaderIncomplete {
			what = string(h.Value) + "; " + what
			continue
		}
		noted = append(noted, h)
	}
	return append(noted, header.New(dlt.HeaderIncomplete, what))
}
