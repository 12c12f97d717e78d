package producer

import (
	"iter"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/outage"
	"github.com/walpost/walpost/internal/record"
)

// topic is the queues of one topic. Guarded by Producer.mu.
type topic struct {
	p                 *Producer
	name              string
	requested         bool // its metadata was asked for
	known             bool // metadata has named its partitions
	counted           bool // it is one of Producer.namedTopics
	configured        bool // the file names it: no row made it up
	written           bool // this process has written to it: if it disappears, its records wait
	partitions        []*partition
	waiting           *partition           // records that came before its metadata, in order; nil once known
	missingPartitions map[int32]*partition // records for partitions it does not have, by index
	sticky            *partition           // where records without a key go, until its open batch is sent
	limit             int                  // size of records at which a batch is full
	missingSince      time.Time            // when fresh answers of brokers began to say that it is gone; zero: it is not
	blockage          blockage
	creating          bool      // the creator has it, or will
	createAt          time.Time // not before
	failures          outage.Failures
}

func (p *Producer) topic(name string) *topic {
	if t := p.topics[name]; t != nil {
		return t
	}
	t := &topic{p: p, name: name, limit: batch.MaxSize, configured: p.opts.Configured != nil && p.opts.Configured(name)}
	t.waiting = p.newUnplaced(t, -1)
	p.topics[name] = t
	p.unasked++
	p.wantMetadata()
	return t
}

// madeUp reports whether only rows name the topic.
func (t *topic) madeUp() bool { return !t.configured && !t.written }

// queues returns all queues of the topic.
func (t *topic) queues() iter.Seq[*partition] {
	return func(yield func(*partition) bool) {
		if t.waiting != nil && !yield(t.waiting) {
			return
		}
		for _, pt := range t.partitions {
			if !yield(pt) {
				return
			}
		}
		for _, pt := range t.missingPartitions {
			if !yield(pt) {
				return
			}
		}
	}
}

// queued reports whether records of the topic wait.
func (t *topic) queued() bool {
	for pt := range t.queues() {
		if pt.head != nil {
			return true
		}
	}
	return false
}

// count counts the topic as one of those that rows may name, and reports whether there was
// room for it.
func (t *topic) count() bool {
	p := t.p
	if t.counted || t.configured || p.opts.MaxTopics == 0 {
		return true
	}
	if p.namedTopics >= p.opts.MaxTopics {
		return false
	}
	p.namedTopics++
	t.counted = true
	return true
}

// choose returns the partition for a record: the one asked for, else murmur2 of the key
// as Kafka's Java client computes it, else any.
func (t *topic) choose(key []byte, asked int32) *partition {
	n := int32(len(t.partitions))
	switch {
	case !t.known:
		return t.waiting
	case asked >= n:
		return t.queueForMissingPartition(asked)
	case asked >= 0:
		return t.partitions[asked]
	case key != nil:
		return t.partitions[record.Partition(key, n)]
	}
	if t.sticky == nil {
		t.sticky = t.nextSticky()
	}
	return t.sticky
}

// nextSticky returns any of the partitions with nothing queued, so that light traffic is
// spread as Kafka's Java client spreads it. With something queued everywhere it returns
// the one that is furthest ahead, so that a partition without a leader does not collect
// the records without a key.
func (t *topic) nextSticky() *partition {
	best, idle := t.partitions[0], 0
	for _, pt := range t.partitions {
		switch {
		case pt.head == nil:
			if idle++; rand.N(idle) == 0 { // each of the idle ones with the same chance
				best = pt
			}
		case idle == 0 && best.head.First() < pt.head.First():
			best = pt
		}
	}
	return best
}

// queueForMissingPartition returns the queue for a partition that the topic does not have
// (yet).
func (t *topic) queueForMissingPartition(index int32) *partition {
	pt := t.missingPartitions[index]
	if pt == nil {
		if t.missingPartitions == nil {
			t.missingPartitions = map[int32]*partition{}
		}
		pt = t.p.newUnplaced(t, index)
		t.missingPartitions[index] = pt
	}
	t.p.wantMetadata()
	return pt
}

// grow notes that the topic has n partitions, and hands on the records that waited for
// them.
func (t *topic) grow(n int32) {
	have := int32(len(t.partitions))
	if have > 0 && n > have {
		t.p.log.Warn("partitions were added: keys move, and the order of a key across the change is up to its consumers",
			zap.String("topic", t.name), zap.Int32("before", have), zap.Int32("now", n))
	}
	for i := have; i < n; i++ {
		pt := t.missingPartitions[i]
		if pt == nil {
			pt = t.p.newQueue(t, i)
		}
		t.p.markPlaced(pt)
		delete(t.missingPartitions, i)
		t.partitions = append(t.partitions, pt)
	}
	if !t.known {
		t.known = true
		t.release()
	}
}

// release moves the records that waited for the topic's metadata to their
// partitions, in order, before any later record of it.
func (t *topic) release() {
	w := t.waiting
	t.p.markPlaced(w)
	for b := w.head; b != nil; b = w.head {
		for r := range b.All() {
			rec, m := r.Record(t.name), r.Meta()
			m.Group = b.Group
			pt := t.choose(rec.Key, m.Partition)
			t.p.append(pt, rec, &m)
			t.p.schedule(pt)
			t.p.events++ // drop takes them off again
		}
		t.p.drop(w)
	}
	t.waiting = nil
	t.p.freeQueue(w)
}
