package inbox

import (
	"strings"

	"github.com/IBM/sarama"
)

// escapePrefix goes before the name of a record's own header that looks like one of a
// dead letter or of a parked record, so that only what this package wrote is believed.
const escapePrefix = "walpost-own-"

// escaped returns the headers of a record as they stand in its dead letter or parked
// record.
func escaped(headers []*sarama.RecordHeader) []sarama.RecordHeader {
	all := make([]sarama.RecordHeader, len(headers), len(headers)+16)
	for i, h := range headers {
		all[i] = *h
		for _, prefix := range []string{headerPrefix, retryPrefix, escapePrefix} {
			if strings.HasPrefix(string(h.Key), prefix) {
				all[i].Key = append([]byte(escapePrefix), h.Key...)
				break
			}
		}
	}
	return all
}

// unescaped returns a header as the record had it.
func unescaped(h *sarama.RecordHeader) *sarama.RecordHeader {
	if own, ok := strings.CutPrefix(string(h.Key), escapePrefix); ok {
		return &sarama.RecordHeader{Key: []byte(own), Value: h.Value}
	}
	return h
}
