package batch

import (
	"time"

	"github.com/IBM/sarama"
)

// Arena is the structures that sarama encodes from. A link has one and fills it for
// each request, so that a queued record needs none, and none is allocated for it.
type Arena struct {
	records    []sarama.Record
	refs       []*sarama.Record // of all records: sarama wants pointers
	headers    []sarama.RecordHeader
	headerRefs []*sarama.RecordHeader
}

// Reset empties the arena and makes room for so many: the structures must stay where they
// are until the request is encoded.
func (a *Arena) Reset(records, headers int) {
	if cap(a.records) < records {
		records = max(records, 2*cap(a.records))
		a.records, a.refs = make([]sarama.Record, records), make([]*sarama.Record, records)
		for i := range a.refs {
			a.refs[i] = &a.records[i]
		}
	}
	if cap(a.headers) < headers {
		headers = max(headers, 2*cap(a.headers))
		a.headers, a.headerRefs = make([]sarama.RecordHeader, headers), make([]*sarama.RecordHeader, headers)
		for i := range a.headerRefs {
			a.headerRefs[i] = &a.headers[i]
		}
	}
	a.records, a.headers = a.records[:0], a.headers[:0]
}

// fill returns a batch's records in sarama's form, with times and offsets counted from the
// first record. Their bytes stay in the queue.
func (a *Arena) fill(b *Batch) (records []*sarama.Record, first, latest int64) {
	from := len(a.records)
	for r := range b.All() {
		i := len(a.records)
		ms := r.Timestamp()
		if i == from {
			first, latest = ms, ms
		}
		latest = max(latest, ms)
		key, value, rest := r.content()
		begin := len(a.headers)
		for range r.headers() {
			var h sarama.RecordHeader
			h.Key, h.Value, rest = takeHeader(rest)
			a.headers = append(a.headers, h)
		}
		a.records = append(a.records, sarama.Record{
			Key: key, Value: value, Headers: a.headerRefs[begin:len(a.headers):len(a.headers)],
			OffsetDelta: int64(i - from), TimestampDelta: time.Duration(ms-first) * time.Millisecond,
		})
	}
	return a.refs[from:len(a.records):len(a.records)], first, latest
}
