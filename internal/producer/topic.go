package producer

import (
	"iter"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/router"
)

// topic is the queues of one topic. Guarded by Producer.mu.
type topic struct {
	p          *Producer
	name       string
	asked      bool // its metadata was asked for
	known      bool // metadata has named its partitions
	counted    bool // it is one of Producer.named
	configured bool // the file names it: no row made it up
	written    bool // this process has written to it: if it disappears, its records wait
	partitions []*partition
	waiting    *partition           // records that came before its metadata, in order; nil once known
	absent     map[int32]*partition // records for partitions it does not have, by index
	sticky     *partition           // where records without a key go, until its open batch is sent
	limit      int                  // size of records at which a batch is full
	missing    time.Time            // since when brokers say in fresh answers that it is not there, once known
	blocked    blockage
	creating   bool      // the creator has it, or will
	createAt   time.Time // not before
	trouble    trouble
}

func (p *Producer) topic(name string) *topic {
	if t := p.topics[name]; t != nil {
		return t
	}
	t := &topic{p: p, name: name, limit: maxBatch, configured: p.opts.Configured != nil && p.opts.Configured(name)}
	t.waiting = p.newUnplaced(t, -1)
	p.topics[name] = t
	p.unasked++
	p.wantMetadata()
	return t
}

// madeUp reports whether nothing but rows says that there is such a topic.
func (t *topic) madeUp() bool { return !t.configured && !t.written }

// queues are all that hold records of the topic.
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
		for _, pt := range t.absent {
			if !yield(pt) {
				return
			}
		}
	}
}

// queued reports whether records of it wait.
func (t *topic) queued() bool {
	for pt := range t.queues() {
		if pt.head != nil {
			return true
		}
	}
	return false
}

// count takes the topic as one of those that rows may name. It is false when there are
// as many already.
func (t *topic) count() bool {
	p := t.p
	if t.counted || t.configured || p.opts.MaxTopics == 0 {
		return true
	}
	if p.named >= p.opts.MaxTopics {
		return false
	}
	p.named++
	t.counted = true
	return true
}

// choose is the partition for a record: the one asked for, else murmur2 of the
// key as Kafka's Java client computes it, else any.
func (t *topic) choose(key []byte, asked int32) *partition {
	n := int32(len(t.partitions))
	switch {
	case !t.known:
		return t.waiting
	case asked >= n:
		return t.beyond(asked)
	case asked >= 0:
		return t.partitions[asked]
	case key != nil:
		return t.partitions[router.Partition(key, n)]
	}
	if t.sticky == nil {
		t.sticky = t.nextSticky()
	}
	return t.sticky
}

// nextSticky takes any of the partitions with nothing queued, so that light traffic
// is spread as Kafka's Java client spreads it. With something queued everywhere it
// takes the one that is the furthest on, so that a partition without a leader does
// not gather what has no key.
func (t *topic) nextSticky() *partition {
	best, idle := t.partitions[0], 0
	for _, pt := range t.partitions {
		switch {
		case pt.head == nil:
			if idle++; rand.N(idle) == 0 { // each of the idle ones with the same chance
				best = pt
			}
		case idle == 0 && best.head.first() < pt.head.first():
			best = pt
		}
	}
	return best
}

// beyond is the queue for a partition the topic does not have (yet).
func (t *topic) beyond(index int32) *partition {
	pt := t.absent[index]
	if pt == nil {
		if t.absent == nil {
			t.absent = map[int32]*partition{}
		}
		pt = t.p.newUnplaced(t, index)
		t.absent[index] = pt
	}
	t.p.wantMetadata()
	return pt
}

// grow makes the topic known with n partitions and hands on what waited for them.
func (t *topic) grow(n int32) {
	have := int32(len(t.partitions))
	if have > 0 && n > have {
		t.p.log.Warn("partitions were added: keys move, and the order of a key across the change is up to its consumers",
			zap.String("topic", t.name), zap.Int32("before", have), zap.Int32("now", n))
	}
	for i := have; i < n; i++ {
		pt := t.absent[i]
		if pt == nil {
			pt = t.p.newQueue(t, i)
		}
		t.p.place(pt)
		delete(t.absent, i)
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
	t.p.place(w)
	for b := w.head; b != nil; b = w.head {
		for r := range b.all() {
			rec, m := r.record(t.name), t.p.meta(r)
			pt := t.choose(rec.Key, m.partition)
			t.p.append(pt, rec, &m)
			t.p.schedule(pt)
			t.p.events++ // drop takes them off again
		}
		t.p.drop(w)
	}
	t.waiting = nil
	t.p.freeQueue(w)
}
