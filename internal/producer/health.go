package producer

import (
	"fmt"
	"maps"
	"sort"
	"time"

	"go.uber.org/zap"
)

// logEvery is how often a failure that goes on is logged after its first line.
const logEvery = 30 * time.Second

// trouble logs a failure at once, then rarely, then its end.
type trouble struct {
	since, logged time.Time
	count         int
	by            *partition
}

// trouble logs what Kafka answered to a batch.
func (p *Producer) trouble(pt *partition, a answer) {
	t := &pt.topic.trouble
	now := time.Now()
	if t.count == 0 {
		t.since, t.by = now, pt
	}
	t.count++
	p.refuse(pt, a.words(), a.class == denied)
	if a.class == denied {
		pt.topic.block(blockage{text: a.text, right: true})
	}
	if t.count > 1 && now.Sub(t.logged) < logEvery {
		return
	}
	t.logged = now
	log := p.log.Warn
	if a.class == moved || a.class == refused || a.class == unknown {
		log = p.log.Info // Kafka's daily life: retried, nothing is lost
	}
	log("Kafka did not take a batch, it will be sent again", zap.String("topic", pt.topic.name), zap.Int32("partition", pt.index),
		zap.String("class", a.label()), zap.String("error", a.text), zap.Int("times", t.count))
}

func (p *Producer) recovered(pt *partition) {
	if !pt.topic.blocked.unseen {
		pt.topic.block(blockage{})
	}
	t := &pt.topic.trouble
	if t.count == 0 || t.by != pt {
		return
	}
	p.log.Info("Kafka takes batches again", zap.String("topic", pt.topic.name),
		zap.Duration("after", time.Since(t.since)), zap.Int("times", t.count))
	*t = trouble{}
}

// blockage is what keeps all records of a topic waiting.
type blockage struct {
	text   string // "": nothing
	right  bool   // a right is missing
	unseen bool   // it is about the topic's metadata, or making it, and not about writing
	since  time.Time
}

// block notes what keeps the topic's records waiting, and that nothing does.
func (t *topic) block(b blockage) {
	before := t.blocked
	if b.since = before.since; b.text == "" {
		b.since = time.Time{}
	} else if b.since.IsZero() {
		b.since = time.Now()
	}
	t.blocked = b
	if before.text != b.text {
		t.p.opts.Changed()
	}
}

// refusal is what Kafka last said of a partition whose head it does not take.
type refusal struct {
	since    time.Time
	text     string
	stuck    bool // for so long that a person should know
	denied   bool // a right is missing, which the topic says
	unmapped int  // answers that the producer id is not known
}

// stuckShare is the part of Options.Patience after which a partition counts as stuck.
const stuckShare = 4

// refuse notes why the head of a partition is not taken.
func (p *Producer) refuse(pt *partition, text string, denied bool) {
	r := pt.refusal
	if r == nil {
		r = &refusal{since: time.Now()}
		pt.refusal = r
	}
	r.text, r.denied = text, denied
	if !r.stuck && time.Since(r.since) >= p.opts.Patience/stuckShare {
		r.stuck = true
		p.opts.Changed()
	}
}

// taken notes that the head of a partition has left the queue.
func (p *Producer) taken(pt *partition) {
	if r := pt.refusal; r != nil {
		pt.refusal = nil
		if r.stuck {
			p.opts.Changed()
		}
	}
}

// words names a partition.
func (pt *partition) words() string {
	if pt.index < 0 {
		return "topic " + pt.topic.name
	}
	return fmt.Sprintf("topic %s, partition %d", pt.topic.name, pt.index)
}

// logRejected names a rejected record: the first of a kind at once, then rarely.
func (p *Producer) logRejected(r Rejected) {
	if !p.health.mayLog("rejected " + r.Reason + " " + r.Topic) {
		return
	}
	p.log.Warn("Kafka can never accept this record", zap.String("topic", r.Topic), zap.String("id", r.ID),
		zap.String("reason", r.Reason), zap.String("error", r.Text), zap.Uint64("commit_lsn", r.Position.CommitLSN))
}

// Health is how Kafka is seen.
type Health struct {
	Reachable bool
	Since     time.Time // of Reachable
	Err       error     // why it is not reachable
	Denied    []string  // topics this principal may not write, with Kafka's words
	Stuck     []string  // topics and partitions whose records Kafka does not take for another reason, with its words
	Oldest    string    // what Kafka last said of the oldest record that waits; "": nothing
}

type health struct {
	log       *zap.Logger
	reachable bool
	since     time.Time
	logged    time.Time
	err       error
	heard     time.Time // of the last answer
	rarely    map[string]time.Time
	changed   func()
}

// Health tells whether Kafka answers, and what it does not allow or take.
func (p *Producer) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := Health{Reachable: p.health.reachable, Since: p.health.since, Err: p.health.err}
	for name, t := range p.topics {
		switch {
		case t.blocked.text == "" || !t.queued():
		case t.blocked.right:
			h.Denied = append(h.Denied, name+": "+t.blocked.text)
		default:
			h.Stuck = append(h.Stuck, name+": "+t.blocked.text)
		}
	}
	var oldest *partition
	for _, pt := range p.queues {
		if pt.head == nil {
			continue
		}
		if oldest == nil || pt.head.first() < oldest.head.first() {
			oldest = pt
		}
		if r := pt.refusal; r != nil && r.stuck && !r.denied && h.Reachable {
			h.Stuck = append(h.Stuck, pt.words()+": "+r.text)
		}
	}
	if oldest != nil && oldest.refusal != nil {
		h.Oldest = oldest.words() + ": " + oldest.refusal.text
	} else if oldest != nil && oldest.topic.blocked.text != "" {
		h.Oldest = oldest.words() + ": " + oldest.topic.blocked.text
	}
	sort.Strings(h.Denied)
	sort.Strings(h.Stuck)
	return h
}

// Topics are the names that Kafka knows of those that were sent to.
func (p *Producer) Topics() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name, t := range p.topics {
		if t.known {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func (h *health) reached() {
	h.heard = time.Now()
	if h.reachable {
		return
	}
	if h.err != nil {
		h.log.Info("Kafka is reachable again", zap.Duration("after", time.Since(h.since)))
	}
	h.reachable, h.since, h.err = true, time.Now(), nil
	h.changed()
}

func (h *health) failed(err error) {
	now := time.Now()
	if h.reachable || h.err == nil {
		h.reachable, h.since, h.logged = false, now, time.Time{}
	}
	h.err = err
	h.changed()
	if now.Sub(h.logged) >= logEvery {
		h.logged = now
		h.log.Warn("Kafka is not reachable, records wait", zap.Error(err), zap.Duration("for", now.Sub(h.since)))
	}
}

// mostKinds is how many kinds of lines may come within logEvery: rows make up names.
const mostKinds = 100

// mayLog is true for the first of a kind and then rarely.
func (h *health) mayLog(kind string) bool {
	now := time.Now()
	old := func(_ string, at time.Time) bool { return now.Sub(at) >= logEvery }
	if last, ok := h.rarely[kind]; ok && !old(kind, last) {
		return false
	}
	if h.rarely == nil {
		h.rarely = map[string]time.Time{}
	}
	if len(h.rarely) >= mostKinds {
		if maps.DeleteFunc(h.rarely, old); len(h.rarely) >= mostKinds {
			return false
		}
	}
	h.rarely[kind] = now
	return true
}
