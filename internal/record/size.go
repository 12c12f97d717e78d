package record

import "math/bits"

// Kafka's overheads: DefaultRecordBatch.RECORD_BATCH_OVERHEAD and
// DefaultRecord.MAX_RECORD_OVERHEAD.
const (
	batchOverhead  = 61
	recordOverhead = 21
)

// Size returns what the record counts against kafka.max_message_bytes: to the byte what
// Kafka's Java producer holds against max.request.size,
// AbstractRecords.estimateSizeInBytesUpperBound for magic 2. That is 61 (batch) + 21
// (record) + the key, the value and the headers, each with a length before it as a
// zig-zag varint; a null takes the byte of its length.
func (r *Record) Size() int64 {
	n := int64(batchOverhead+recordOverhead) + sizeOfBytes(r.Key) + sizeOfBytes(r.Value) + sizeOfVarint(len(r.Headers))
	for i := range r.Headers {
		h := &r.Headers[i]
		n += sizeOfVarint(len(h.Name)) + int64(len(h.Name)) + sizeOfBytes(h.Value)
	}
	return n
}

func sizeOfBytes(b []byte) int64 {
	if b == nil {
		return 1 // the varint -1
	}
	return sizeOfVarint(len(b)) + int64(len(b))
}

// sizeOfVarint is the length of a non-negative number as a zig-zag varint.
func sizeOfVarint(n int) int64 {
	return int64(bits.Len64(uint64(n)<<1|1)+6) / 7
}
