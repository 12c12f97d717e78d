package projection

import (
	"context"
	"errors"
	"time"

	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// silence is how long nothing must come before Kafka is asked whether there is
// nothing more.
const silence = 200 * time.Millisecond

// reached reports whether every record below an offset is applied. The last offsets of a
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
		beyond, empty := r.hidden(ctx, next, offset)
		if !empty {
			return false
		}
		next = beyond
	}
	return next >= offset
}

// errVisible ends a read at the first record that anybody may see.
var errVisible = errors.New("a record")

// hidden asks for records from an offset on, and reports whether none of those that came
// is below the end and visible. beyond is the offset behind them.
func (r *reader) hidden(ctx context.Context, offset, end int64) (beyond int64, empty bool) {
	p := read.Partition{
		Client: r.feed.client, Topic: r.source.topic, ID: r.source.partition, Committed: true,
		MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond,
	}
	beyond, err := p.Next(ctx, offset, end, func(read.Record) error { return errVisible })
	return beyond, err == nil && beyond > offset
}
