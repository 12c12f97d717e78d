package producer

import (
	"iter"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/record"
)

const (
	// maxBatch is the size of records, before compression, at which a batch is full:
	// half of Kafka's default max.message.bytes, so that it passes uncompressed too.
	maxBatch = 512 << 10
	// maxRecords in a batch and in a request bounds what an arena holds.
	maxRecords, maxRequestRecords = 4 << 10, 8 << 10
)

// batch is the records of one partition that are sent, refused and sent again
// together. Once sent its bytes and its sequence never change (law 7).
type batch struct {
	next            *batch
	chunks          []*chunk
	start           int                 // where its first record begins in the first chunk: not 0 in the right half of a split
	count           int                 // its records
	headers         int                 // of all of them
	size            int                 // of all of them on the wire, at most
	hasDeadLetters  bool                // dead letters are among them
	sealed          bool                // sent at least once, or full: no record is added any more
	outcomeUnknown  bool                // an attempt had no answer: it may be in the log
	encoded         *sarama.RecordBatch // made at the first send
	openDeadLetters int                 // its dead letters that are not acknowledged
}

// all returns its records in order.
func (b *batch) all() iter.Seq[packed] {
	return func(yield func(packed) bool) {
		left, start := b.count, b.start
		for _, c := range b.chunks {
			for r := range walk(c.data[start:]) {
				if left == 0 || !yield(r) {
					return
				}
				left--
			}
			start = 0
		}
	}
}

func (b *batch) head() packed { return packed(b.chunks[0].data[b.start:]) }

// first returns the lowest event number in it.
func (b *batch) first() uint64 { return b.head().event() }

// add copies the record into a chunk of the batch that has room for it.
func (b *batch) add(c *chunk, rec *record.Record, m *meta) {
	c.data = pack(c.data, rec, m)
	b.count++
	b.headers += len(rec.Headers)
	b.size += int(m.size)
	b.hasDeadLetters = b.hasDeadLetters || m.isDeadLetter
}

// encode returns sarama's batch, which is made once: sarama keeps the compressed records
// and writes the header anew at each send, so a retry is the same bytes. Of the records
// themselves a retry needs only the number; they are in the arena until its next reset.
func (b *batch) encode(a *arena, codec sarama.CompressionCodec, pid int64, epoch int16, seq int32) *sarama.RecordBatch {
	records, first, latest := a.fill(b)
	if b.encoded == nil {
		b.encoded = &sarama.RecordBatch{
			Version:          2,
			Codec:            codec,
			CompressionLevel: sarama.CompressionLevelDefault,
			LastOffsetDelta:  int32(b.count - 1),
			FirstTimestamp:   time.UnixMilli(first),
			MaxTimestamp:     time.UnixMilli(latest),
		}
	}
	b.encoded.Records = records
	b.encoded.ProducerID, b.encoded.ProducerEpoch, b.encoded.FirstSequence = pid, epoch, seq
	return b.encoded
}

// newest returns the latest time of its records: by it Kafka forgets producers.
func (b *batch) newest() time.Time {
	if b.encoded == nil {
		return time.Time{}
	}
	return b.encoded.MaxTimestamp
}

// split returns two batches that carry the sequences of the whole. They are new batches
// over the same chunks: an encoded one is never changed.
func (b *batch) split(at int) (left, right *batch) {
	left = &batch{sealed: true, outcomeUnknown: b.outcomeUnknown, start: b.start}
	right = &batch{sealed: true, outcomeUnknown: b.outcomeUnknown, next: b.next}
	left.next = right
	begin := b.start
	for _, c := range b.chunks {
		offset := begin
		for r := range walk(c.data[begin:]) {
			if left.count+right.count == b.count {
				break
			}
			half := left
			if left.count == at {
				half = right
			}
			if half.take(c, r); right.count == 1 && half == right {
				right.start = offset
			}
			offset += len(r)
		}
		begin = 0
	}
	return left, right
}

// take adds a record of a chunk to the batch.
func (b *batch) take(c *chunk, r packed) {
	if n := len(b.chunks); n == 0 || b.chunks[n-1] != c {
		b.chunks = append(b.chunks, c)
		c.batches++
	}
	b.count++
	b.headers += r.headers()
	b.size += r.size()
	b.hasDeadLetters = b.hasDeadLetters || r.isDeadLetter()
}
