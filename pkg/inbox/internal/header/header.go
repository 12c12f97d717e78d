// Package header has what pkg/inbox writes beside the headers of a record, and reads
// again: into dead letters and into retry topics.
package header

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
)

// RetryPrefix begins the names of the headers of a record in a retry topic, which come
// after its own.
const RetryPrefix = "walpost-retry-"

// Headers of a record in a retry topic.
const (
	RetryTopic       = RetryPrefix + "topic"        // where the record was
	RetryPartition   = RetryPrefix + "partition"    // where the record was
	RetryOffset      = RetryPrefix + "offset"       // where the record was
	RetryTimestamp   = RetryPrefix + "timestamp"    // of the record, RFC 3339 in UTC
	RetryGroup       = RetryPrefix + "group"        // that parked it
	RetryAttempts    = RetryPrefix + "attempts"     // so far; 0: it came behind another
	RetryFirstFailed = RetryPrefix + "first-failed" // when the first attempt began, RFC 3339 in UTC
	RetryTime        = RetryPrefix + "time"         // when it was parked, RFC 3339 in UTC
)

// escapePrefix goes before the name of a record's own header that looks like one of
// walpost's, so that only what walpost wrote is believed.
const escapePrefix = "walpost-own-"

// Escape returns the headers of a record as they stand in its dead letter or in a retry
// topic. There is room for those of walpost.
func Escape(headers []*sarama.RecordHeader) []sarama.RecordHeader {
	all := make([]sarama.RecordHeader, len(headers), len(headers)+16)
	for i, h := range headers {
		all[i] = *h
		for _, prefix := range []string{dlt.HeaderPrefix, RetryPrefix, escapePrefix} {
			if strings.HasPrefix(string(h.Key), prefix) {
				all[i].Key = append([]byte(escapePrefix), h.Key...)
				break
			}
		}
	}
	return all
}

// Split tells walpost's headers from those of the record, which it returns as the record
// had them. isOurs reports whether a header is walpost's.
func Split(headers []*sarama.RecordHeader, isOurs func(name string) bool) (ours Values, record []*sarama.RecordHeader) {
	ours = Values{}
	for _, h := range headers {
		name := string(h.Key)
		if isOurs(name) {
			ours[name] = string(h.Value)
			continue
		}
		if own, ok := strings.CutPrefix(name, escapePrefix); ok {
			h = &sarama.RecordHeader{Key: []byte(own), Value: h.Value}
		}
		record = append(record, h)
	}
	return ours, record
}

// New returns a header of text.
func New(name, value string) sarama.RecordHeader {
	return sarama.RecordHeader{Key: []byte(name), Value: []byte(value)}
}

// Time returns the text of a time.
func Time(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Values are headers by their names. Whoever may write to the topic can have written them.
type Values map[string]string

// Int32 returns a number that is not negative, or none.
func (v Values) Int32(name string, none int32) int32 {
	n := v.Int64(name, -1)
	if n < 0 || n > math.MaxInt32 {
		return none
	}
	return int32(n)
}

// Int64 returns a number that is not negative, or none.
func (v Values) Int64(name string, none int64) int64 {
	n, err := strconv.ParseInt(v[name], 10, 64)
	if err != nil || n < 0 {
		return none
	}
	return n
}

// Time returns a time in UTC that every format can show, or the zero time.
func (v Values) Time(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, v[name])
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
