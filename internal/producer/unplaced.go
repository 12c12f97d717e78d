package producer

import (
	"time"

	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/transaction"
)

// missingAfter is how long brokers must have said so, while Kafka was reachable,
// before a topic or partition counts as missing: a new one takes a moment to
// reach every broker's metadata.
const missingAfter = 5 * time.Second

// Missing topics and partitions that rows name must cost others neither memory nor time:
// so many queues may wait for them, in a quarter of the memory at most. Any more are
// rejected at the first answer about them, so a flood of names passes as fast as Kafka
// answers.
const (
	minWaiting, maxWaiting = 64, 1000
	waitingShare           = 4
)

// unplaced is the state of a queue whose topic or partition Kafka has not named yet.
type unplaced struct {
	since   time.Time // when brokers first said that it is missing, or not to be used
	counted bool      // it is one of Producer.waiting
	overdue bool      // it has waited already, or may not
}

// newQueue returns a new queue, in a free place of Producer.queues if there is one.
func (p *Producer) newQueue(t *topic, index int32) *partition {
	pt := &partition{topic: t, index: index, queue: len(p.queues), pid: -1}
	if n := len(p.vacant); n > 0 {
		pt.queue, p.vacant = p.vacant[n-1], p.vacant[:n-1]
		p.queues[pt.queue] = pt
		return pt
	}
	p.queues = append(p.queues, pt)
	return pt
}

// freeQueue gives the place of an empty queue to the next.
func (p *Producer) freeQueue(pt *partition) {
	p.queues[pt.queue] = &partition{pid: -1}
	p.vacant = append(p.vacant, pt.queue)
}

func (p *Producer) newUnplaced(t *topic, index int32) *partition {
	pt := p.newQueue(t, index)
	limit := int(min(max(p.opts.Memory/waitingShare/int64(batch.MinMemory), minWaiting), maxWaiting))
	u := &unplaced{overdue: p.waiting >= limit || p.foundMissing.Has(transaction.Partition{Topic: t.name, ID: index})}
	if !u.overdue {
		u.counted = true
		p.waiting++
	}
	pt.unplaced = u
	return pt
}

// markPlaced notes that Kafka has named the queue's topic or partition.
func (p *Producer) markPlaced(pt *partition) {
	if u := pt.unplaced; u != nil {
		p.uncount(u)
		p.foundMissing.Forget(transaction.Partition{Topic: pt.topic.name, ID: pt.index})
		pt.unplaced = nil
	}
}

func (p *Producer) uncount(u *unplaced) {
	if u.counted {
		u.counted = false
		p.waiting--
	}
}

// overdue reports whether the queue has waited long enough for a topic or partition
// that is missing, or may not be used.
func (pt *partition) overdue(now time.Time, patience time.Duration) bool {
	since := &pt.topic.missingSince
	if u := pt.unplaced; u != nil {
		if u.overdue {
			return true
		}
		since = &u.since
	}
	if since.IsZero() {
		*since = now
	}
	return now.Sub(*since) >= patience
}

// rejectQueue rejects all records of a queue that are not under way.
func (p *Producer) rejectQueue(pt *partition, reason, text string) {
	if u := pt.unplaced; u != nil {
		p.uncount(u)
		u.overdue = true
		p.foundMissing.Add(transaction.Partition{Topic: pt.topic.name, ID: pt.index})
	}
	for pt.head != nil && pt.head.Group != batch.Never && pt.blocked == notBlocked && !pt.busy {
		p.reject(pt, reason, text)
	}
}

// vacate forgets an empty queue for what Kafka does not have, and with it the topic if
// that is what is missing. No batch was ever sent from it, so no sequence is lost.
func (p *Producer) vacate(pt *partition) {
	if pt.unplaced == nil || pt.head != nil {
		return
	}
	t := pt.topic
	p.uncount(pt.unplaced)
	p.freeQueue(pt)
	if pt.index >= 0 {
		delete(t.missingPartitions, pt.index)
		return
	}
	delete(p.topics, t.name)
	if !t.requested {
		p.unasked--
	}
	if t.counted {
		p.namedTopics--
	}
	if p.last == t {
		p.last = nil
	}
}
