package producer

import "time"

// missingAfter is how long brokers must have said so, while Kafka was reachable,
// before a topic or partition counts as missing: a new one takes a moment to
// reach every broker's metadata.
const missingAfter = 5 * time.Second

// What rows name that is missing costs others neither memory nor time: so many queues
// for it may wait, in a quarter of the memory at most. Those beyond are judged by the
// first answer about them, so that a flood of names passes as fast as Kafka answers.
const (
	leastWaiting, mostWaiting = 64, 1000
	waitingShare              = 4
)

// unplaced is what a queue has whose topic or partition Kafka has not named yet.
type unplaced struct {
	since   time.Time // when brokers first said that it is missing, or not to be used
	waits   bool      // it is one of Producer.waiting
	overdue bool      // it has waited already, or may not
}

// newQueue makes a queue, in a free place if there is one.
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
	most := int(min(max(p.opts.Memory/waitingShare/int64(chunkSizes[0]), leastWaiting), mostWaiting))
	u := &unplaced{overdue: p.waiting >= most || p.judged.has(target{t.name, index})}
	if !u.overdue {
		u.waits = true
		p.waiting++
	}
	pt.unplaced = u
	return pt
}

// place notes that Kafka has named the queue's topic or partition.
func (p *Producer) place(pt *partition) {
	if u := pt.unplaced; u != nil {
		p.stopWaiting(u)
		p.judged.forget(target{pt.topic.name, pt.index})
		pt.unplaced = nil
	}
}

func (p *Producer) stopWaiting(u *unplaced) {
	if u.waits {
		u.waits = false
		p.waiting--
	}
}

// overdue reports whether the queue has waited long enough for a topic or partition
// that is missing, or may not be used.
func (pt *partition) overdue(now time.Time, patience time.Duration) bool {
	since := &pt.topic.missing
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
		p.stopWaiting(u)
		u.overdue = true
		p.judged.add(target{pt.topic.name, pt.index})
	}
	for pt.head != nil && pt.hold == free && !pt.busy {
		p.reject(pt, reason, text)
	}
}

// vacate forgets an empty queue for what Kafka does not have, with the topic if it was
// for that. No batch was ever sent from it, so no sequence is forgotten.
func (p *Producer) vacate(pt *partition) {
	if pt.unplaced == nil || pt.head != nil {
		return
	}
	t := pt.topic
	p.stopWaiting(pt.unplaced)
	p.freeQueue(pt)
	if pt.index >= 0 {
		delete(t.absent, pt.index)
		return
	}
	delete(p.topics, t.name)
	if !t.asked {
		p.unasked--
	}
	if t.counted {
		p.named--
	}
	if p.last == t {
		p.last = nil
	}
}

// target is a topic, or a partition of one; the topic itself has -1.
type target struct {
	topic     string
	partition int32
}

// recent remembers the last names it was given, and forgets half of them at a time.
type recent struct{ young, old map[target]struct{} }

const halfRecent = 500

func (r *recent) has(n target) bool {
	_, young := r.young[n]
	_, old := r.old[n]
	return young || old
}

func (r *recent) add(n target) {
	if len(r.young) >= halfRecent {
		r.old, r.young = r.young, nil
	}
	if r.young == nil {
		r.young = map[target]struct{}{}
	}
	r.young[n] = struct{}{}
}

func (r *recent) forget(n target) {
	delete(r.young, n)
	delete(r.old, n)
}
