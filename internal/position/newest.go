package position

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/kafka/read"
)

// newest is the newest record of a key, as far as transactions have decided it.
type newest struct {
	value     []byte
	found     bool
	open      bool   // a newer record of the key stands in a transaction that is open
	undecided []byte // the value of that
}

// firstLook is how many offsets are looked back first; each further look is twice as far.
const firstLook = 64

// findNewest reads backwards from the high watermark, and follows the markers of
// transactions itself: up to the last stable offset only, the open transaction of another
// relay would hide what this one has committed.
func findNewest(ctx context.Context, p read.Partition, key []byte) (newest, error) {
	oldest, _, end, err := p.Offsets(ctx, time.Time{})
	if err != nil {
		return newest{}, err
	}
	for look := int64(firstLook); ; look *= 2 {
		from := max(oldest, end-look)
		found, err := findIn(ctx, p, from, end, key)
		if err != nil || found.found || found.open || from == oldest {
			return found, err
		}
	}
}

// findIn is findNewest for one range. A transaction that began before the range is older
// than all in it that is of this key: a relay has one transaction at a time.
func findIn(ctx context.Context, p read.Partition, from, end int64, key []byte) (newest, error) {
	f := finder{key: key, open: map[int64][]byte{}}
	for retries := 0; from < end; {
		block, err := p.Fetch(ctx, from)
		if err == nil {
			next := from
			for _, set := range block.RecordsSet {
				if b := set.RecordBatch; b != nil && (!b.PartialTrailingRecord || len(b.Records) > 0) {
					f.batch(b)
					next = max(next, b.LastOffset()+1)
				}
			}
			if next > from {
				from, retries = next, 0
				continue
			}
		}
		if retries++; retries > maxRetries {
			return newest{}, fmt.Errorf("read topic %s at offset %d: no answer (%w)", p.Topic, from, err)
		}
		if err := backoff.Sleep(ctx, retryEvery); err != nil {
			return newest{}, err
		}
		_ = p.Client.RefreshMetadata(p.Topic) // the next Fetch says what is wrong
	}
	for _, value := range f.open {
		f.last.open, f.last.undecided = true, value
	}
	return f.last, nil
}

const (
	maxRetries = 25
	retryEvery = 200 * time.Millisecond
)

// finder goes through batches in the order of offsets.
type finder struct {
	key  []byte
	open map[int64][]byte // by producer id: its record of the key that is not decided yet
	last newest
}

func (f *finder) batch(b *sarama.RecordBatch) {
	if b.Control {
		if value, there := f.open[b.ProducerID]; there && commits(b) {
			f.last = newest{value: value, found: true}
		}
		delete(f.open, b.ProducerID)
		return
	}
	for _, r := range b.Records {
		switch {
		case !bytes.Equal(r.Key, f.key):
		case b.IsTransactional:
			f.open[b.ProducerID] = r.Value
		default:
			f.last = newest{value: r.Value, found: true}
		}
	}
}

// commits reports whether a control batch commits: its record's key is a version and a
// type, of which 0 aborts and 1 commits ("Control Batch" in Kafka's "Message Format").
func commits(b *sarama.RecordBatch) bool {
	return len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && binary.BigEndian.Uint16(b.Records[0].Key[2:]) == 1
}
