package producer

import (
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/router"
)

// maxBatch is the size of records, before compression, at which a batch is full:
// half of Kafka's default max.message.bytes, so that it passes uncompressed too.
const maxBatch = 512 << 10

// meta is what the producer knows of a record beside what Kafka sees.
type meta struct {
	event     uint64 // its number in the stream
	position  router.Position
	born      int64 // when its transaction committed, unix nanoseconds; 0: not known
	partition int32 // the partition asked for; -1: by key
	size      int32
	cause     *partition // a dead letter: the partition whose head it stands for
	isDead    bool       // a dead letter: there is none for it
}

// batch is the records of one partition that are sent, refused and sent again
// together. Once sent its bytes and its sequence never change (law 7).
type batch struct {
	next    *batch
	records []*sarama.Record
	metas   []meta
	chunks  []*chunk
	size    int
	sealed  bool                // sent at least once, or full: no record is added any more
	maybe   bool                // an attempt had no answer: it may be in the log
	encoded *sarama.RecordBatch // made at the first send
	dead    int                 // its dead letters that are not acknowledged
}

func (b *batch) first() uint64 { return b.metas[0].event }

// add copies the record in. The caller has made room by a chunk that fits.
func (b *batch) add(c *chunk, rec *router.Record, m meta) {
	c.records = append(c.records, sarama.Record{
		Key:            c.copyIn(rec.Key),
		Value:          c.copyIn(rec.Value),
		TimestampDelta: time.Duration(rec.Timestamp), // the absolute time in ms until the batch is encoded
	})
	r := &c.records[len(c.records)-1]
	from := len(c.refs)
	for _, h := range rec.Headers {
		c.headers = append(c.headers, sarama.RecordHeader{Key: c.copyString(h.Name), Value: c.copyIn(h.Value)})
		c.refs = append(c.refs, &c.headers[len(c.headers)-1])
	}
	r.Headers = c.refs[from:len(c.refs):len(c.refs)]
	b.records = append(b.records, r)
	b.metas = append(b.metas, m)
	b.size += int(m.size)
}

// encode makes sarama's batch, once: sarama keeps the compressed records and
// writes the header anew at each send, so a retry is the same bytes.
func (b *batch) encode(codec sarama.CompressionCodec, pid int64, epoch int16, seq int32) *sarama.RecordBatch {
	if b.encoded == nil {
		first := int64(b.records[0].TimestampDelta)
		latest := first
		for i, r := range b.records {
			ms := int64(r.TimestampDelta)
			latest = max(latest, ms)
			r.OffsetDelta = int64(i)
			r.TimestampDelta = time.Duration(ms-first) * time.Millisecond
		}
		b.encoded = &sarama.RecordBatch{
			Version:          2,
			Codec:            codec,
			CompressionLevel: sarama.CompressionLevelDefault,
			LastOffsetDelta:  int32(len(b.records) - 1),
			FirstTimestamp:   time.UnixMilli(first),
			MaxTimestamp:     time.UnixMilli(latest),
			Records:          b.records,
		}
	}
	b.encoded.ProducerID, b.encoded.ProducerEpoch, b.encoded.FirstSequence = pid, epoch, seq
	return b.encoded
}

// timestamp is the time of record i in milliseconds, before and after encoding.
func (b *batch) timestamp(i int) int64 {
	if b.encoded == nil {
		return int64(b.records[i].TimestampDelta)
	}
	return b.encoded.FirstTimestamp.UnixMilli() + b.records[i].TimestampDelta.Milliseconds()
}

// newest is the latest time of its records: by it Kafka forgets producers.
func (b *batch) newest() time.Time {
	if b.encoded == nil {
		return time.Time{}
	}
	return b.encoded.MaxTimestamp
}

// record gives record i back in the router's form; its slices alias the chunk.
func (b *batch) record(topic string, i int) *router.Record {
	r := b.records[i]
	rec := &router.Record{
		Topic: topic, Key: r.Key, Value: r.Value, Timestamp: b.timestamp(i), Partition: b.metas[i].partition,
		Headers: make([]router.Header, len(r.Headers)),
	}
	for j, h := range r.Headers {
		rec.Headers[j] = router.Header{Name: string(h.Key), Value: h.Value}
	}
	return rec
}

// split cuts the batch into two heads that carry the sequences of the whole. The
// halves are new batches over the same records: an encoded one is never changed.
func (b *batch) split(at int) (left, right *batch) {
	half := func(from, to int) *batch {
		h := &batch{
			records: append([]*sarama.Record(nil), b.records[from:to]...),
			metas:   append([]meta(nil), b.metas[from:to]...),
			chunks:  append([]*chunk(nil), b.chunks...),
			sealed:  true, maybe: b.maybe,
		}
		for i, m := range h.metas {
			h.size += int(m.size)
			h.records[i].TimestampDelta = time.Duration(b.timestamp(from + i))
		}
		return h
	}
	for _, c := range b.chunks {
		c.batches += 2 // the halves; the whole gives its own back
	}
	left, right = half(0, at), half(at, len(b.records))
	right.next = b.next
	left.next = right
	return left, right
}
