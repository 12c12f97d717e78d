// Package batch holds the records that wait for Kafka: packed without a pointer in memory
// that is used again, and grouped into the batches that are sent as one.
//
// It knows sarama's form of a batch. It must not know queues, brokers and answers.
package batch

import (
	"iter"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/record"
)

const (
	// MaxSize is the size of records, before compression, at which a batch is full:
	// half of Kafka's default max.message.bytes, so that it passes uncompressed too.
	MaxSize = 512 << 10
	// MaxRecords is how many records a batch may have. It bounds what an arena holds.
	MaxRecords = 4 << 10
)

// Batch is the records of one partition that are sent, refused and sent again
// together. Once sent its bytes and its sequence never change (law 7).
type Batch struct {
	Next            *Batch // in its queue
	Count           int    // its records
	Headers         int    // of all of them
	Size            int    // of all of them on the wire, at most
	HasDeadLetters  bool   // dead letters are among them
	Sealed          bool   // sent at least once, or full: no record is added any more
	OutcomeUnknown  bool   // an attempt had no answer: it may be in the log
	OpenDeadLetters int    // its dead letters that are not acknowledged
	Group           uint64 // of one transaction; 0 without transactions
	Acknowledged    bool   // by Kafka, at least once: its transaction may have been aborted since

	chunks  []*chunk
	start   int                 // where its first record begins in the first chunk: not 0 in the right half of a split
	encoded *sarama.RecordBatch // made at the first send
}

// All returns its records in order.
func (b *Batch) All() iter.Seq[Packed] {
	return func(yield func(Packed) bool) {
		left, start := b.Count, b.start
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

// Head returns its first record.
func (b *Batch) Head() Packed { return Packed(b.chunks[0].data[b.start:]) }

// First returns the lowest event number in it.
func (b *Batch) First() uint64 { return b.Head().Event() }

// add copies the record into a chunk of the batch that has room for it.
func (b *Batch) add(c *chunk, rec *record.Record, m *Meta) {
	c.data = pack(c.data, rec, m)
	b.Count++
	b.Headers += len(rec.Headers)
	b.Size += int(m.Size)
	b.HasDeadLetters = b.HasDeadLetters || m.IsDeadLetter
}

// Encode returns sarama's batch, which is made once: sarama keeps the compressed records
// and writes the header anew at each send, so a retry is the same bytes. Of the records
// themselves a retry needs only the number; they are in the arena until its next reset.
func (b *Batch) Encode(a *Arena, codec sarama.CompressionCodec, pid int64, epoch int16, seq int32) *sarama.RecordBatch {
	records, first, latest := a.fill(b)
	if b.encoded == nil {
		b.encoded = &sarama.RecordBatch{
			Version:          2,
			Codec:            codec,
			CompressionLevel: sarama.CompressionLevelDefault,
			LastOffsetDelta:  int32(b.Count - 1),
			FirstTimestamp:   time.UnixMilli(first),
			MaxTimestamp:     time.UnixMilli(latest),
		}
	}
	b.encoded.Records = records
	b.encoded.ProducerID, b.encoded.ProducerEpoch, b.encoded.FirstSequence = pid, epoch, seq
	return b.encoded
}

// Newest returns the latest time of its records: by it Kafka forgets producers.
func (b *Batch) Newest() time.Time {
	if b.encoded == nil {
		return time.Time{}
	}
	return b.encoded.MaxTimestamp
}

// split returns two batches that carry the sequences of the whole. They are new batches
// over the same chunks: an encoded one is never changed.
func (b *Batch) split(at int) (left, right *Batch) {
	left = &Batch{Sealed: true, OutcomeUnknown: b.OutcomeUnknown, Group: b.Group, start: b.start}
	right = &Batch{Sealed: true, OutcomeUnknown: b.OutcomeUnknown, Group: b.Group, Next: b.Next}
	left.Next = right
	begin := b.start
	for _, c := range b.chunks {
		offset := begin
		for r := range walk(c.data[begin:]) {
			if left.Count+right.Count == b.Count {
				break
			}
			half := left
			if left.Count == at {
				half = right
			}
			if half.take(c, r); right.Count == 1 && half == right {
				right.start = offset
			}
			offset += len(r)
		}
		begin = 0
	}
	return left, right
}

// take adds a record of a chunk to the batch.
func (b *Batch) take(c *chunk, r Packed) {
	if n := len(b.chunks); n == 0 || b.chunks[n-1] != c {
		b.chunks = append(b.chunks, c)
		c.batches++
	}
	b.Count++
	b.Headers += r.headers()
	b.Size += r.Size()
	b.HasDeadLetters = b.HasDeadLetters || r.IsDeadLetter()
}

// NextSequence returns seq + n in the 31 bits that Kafka counts in: 0 follows 2^31-1.
func NextSequence(seq int32, n int) int32 {
	return int32((int64(seq) + int64(n)) & (1<<31 - 1))
}
