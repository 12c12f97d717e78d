package projection

import (
	"context"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/reading"
)

// silence is how long nothing must come before Kafka is asked whether there is
// nothing more.
const silence = 200 * time.Millisecond

// reached says that every record below an offset is applied. The last offsets of a
// partition may hold none that anybody may see: the marker of a transaction, or an
// aborted one. sarama does not tell of those, so Kafka is asked.
func (r *reader) reached(ctx context.Context, offset int64) bool {
	next := r.next.Load()
	if next >= offset {
		return true
	}
	since := r.idle.Load()
	if since == 0 || time.Since(time.Unix(0, since)) < silence {
		return false
	}
	for next < offset && ctx.Err() == nil {
		beyond, empty := r.hidden(next, offset)
		if !empty {
			return false
		}
		next = beyond
	}
	return next >= offset
}

// hidden asks for records from an offset on, and says whether none of what came is
// below the end and for anybody to see; beyond is the offset behind it.
func (r *reader) hidden(offset, end int64) (beyond int64, empty bool) {
	broker, err := r.feed.client.Leader(r.source.topic, r.source.partition)
	if err != nil {
		return offset, false
	}
	const size = 1 << 20
	req := &sarama.FetchRequest{Version: 11, MaxWaitTime: 100, MinBytes: 1, MaxBytes: size, SessionEpoch: -1, Isolation: sarama.ReadCommitted}
	req.AddBlock(r.source.topic, r.source.partition, offset, size, -1)
	res, err := broker.Fetch(req)
	if err != nil {
		return offset, false
	}
	block := res.GetBlock(r.source.topic, r.source.partition)
	if block == nil || block.Err != sarama.ErrNoError {
		return offset, false
	}
	if len(block.RecordsSet) == 0 {
		// What is behind the last stable offset belongs to a transaction that is open.
		return end, block.LastStableOffset <= offset
	}
	aborted := reading.NewAborted(block)
	for _, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil {
			return offset, false
		}
		if b.PartialTrailingRecord && len(b.Records) == 0 {
			continue
		}
		if !aborted.Hides(b) && visible(b, offset, end) {
			return offset, false
		}
		offset = max(offset, b.LastOffset()+1)
	}
	return offset, true
}

// visible says that a batch has a record in the range; compaction may have left none.
func visible(b *sarama.RecordBatch, from, end int64) bool {
	for _, rec := range b.Records {
		if at := b.FirstOffset + rec.OffsetDelta; at >= from && at < end {
			return true
		}
	}
	return false
}
