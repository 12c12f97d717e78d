package producer

import (
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
	written    bool // this process has written to it: if it disappears, its records wait
	partitions []*partition
	waiting    *partition           // records that came before its metadata, in order
	absent     map[int32]*partition // records for partitions it does not have, by index
	sticky     *partition           // where records without a key go, until its open batch is sent
	limit      int                  // size of records at which a batch is full
	missing    time.Time            // since when brokers say in fresh answers that it is not there
	denied     string               // what Kafka does not allow, "" when it does
	unseen     bool                 // denied is about its metadata, or making it: not about writing
	creating   bool
	trouble    trouble
}

// missingAfter is how long brokers must have said so, while Kafka was reachable,
// before a topic or partition counts as missing: a new one takes a moment to
// reach every broker's metadata.
const missingAfter = 5 * time.Second

func (p *Producer) topic(name string) *topic {
	if t := p.topics[name]; t != nil {
		return t
	}
	t := &topic{p: p, name: name, limit: maxBatch}
	t.waiting = p.newQueue(t, -1)
	p.topics[name] = t
	p.wantMetadata()
	return t
}

func (p *Producer) newQueue(t *topic, index int32) *partition {
	pt := &partition{topic: t, index: index, queue: len(p.queues), pid: -1}
	p.queues = append(p.queues, pt)
	return pt
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
		pt = t.p.newQueue(t, index)
		t.absent[index] = pt
		t.missing = time.Time{}
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
}

// gone judges the queues of a topic or partition that brokers say is not there.
func (t *topic) gone(now time.Time, queues ...*partition) {
	if t.written {
		return // it was there: an operator's mistake, not the record's
	}
	if t.missing.IsZero() {
		t.missing = now
	}
	if now.Sub(t.missing) < missingAfter {
		return
	}
	for _, pt := range queues {
		for pt.head != nil && pt.hold == free && !pt.busy {
			t.p.rejectMissing(pt)
		}
	}
}
