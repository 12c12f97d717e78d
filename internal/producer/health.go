package producer

import (
	"fmt"
	"sort"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/record"
)

// notAccepted notes and logs that Kafka did not take a batch.
func (p *Producer) notAccepted(pt *partition, a answer.Answer) {
	times, logged := pt.topic.failures.Failed(pt.index)
	p.noteRefusal(pt, a.TextAndRemedy(), a.Class == answer.Denied)
	if a.Class == answer.Denied {
		pt.topic.block(blockage{text: a.Text, denied: true})
	}
	if !logged {
		return
	}
	log := p.log.Warn
	if a.Class == answer.Moved || a.Class == answer.Refused || a.Class == answer.UnknownOutcome {
		log = p.log.Info // normal for Kafka: retried, nothing is lost
	}
	log("Kafka did not take a batch, it will be sent again", zap.String("topic", pt.topic.name), zap.Int32("partition", pt.index),
		zap.String("class", a.Label()), zap.String("error", a.Text), zap.Int("times", times))
}

func (p *Producer) recovered(pt *partition) {
	if !pt.topic.blockage.aboutMetadata {
		pt.topic.block(blockage{})
	}
	if times, since := pt.topic.failures.Ended(pt.index); times > 0 {
		p.log.Info("Kafka takes batches again", zap.String("topic", pt.topic.name),
			zap.Duration("after", time.Since(since)), zap.Int("times", times))
	}
}

// blockage is what keeps all records of a topic waiting.
type blockage struct {
	text          string // "": nothing
	denied        bool   // a right is missing
	aboutMetadata bool   // it concerns describing or creating the topic, not writing to it
	since         time.Time
}

// block notes what keeps the topic's records waiting; an empty text: nothing does.
func (t *topic) block(b blockage) {
	before := t.blockage
	if b.since = before.since; b.text == "" {
		b.since = time.Time{}
	} else if b.since.IsZero() {
		b.since = time.Now()
	}
	t.blockage = b
	if before.text != b.text {
		t.p.opts.Changed()
	}
}

// refusal is what Kafka last said of a partition whose head it does not accept.
type refusal struct {
	since           time.Time
	text            string
	stuck           bool // for so long that it is reported
	denied          bool // a right is missing, which the topic says
	unknownProducer int  // how often the broker did not know the producer id
}

// stuckShare is the part of Options.Patience after which a partition counts as stuck.
const stuckShare = 4

// noteRefusal notes why the head of a partition is not accepted.
func (p *Producer) noteRefusal(pt *partition, text string, denied bool) {
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

// headLeft notes that the head of a partition has left its queue.
func (p *Producer) headLeft(pt *partition) {
	if r := pt.refusal; r != nil {
		pt.refusal = nil
		if r.stuck {
			p.opts.Changed()
		}
	}
}

// String names the partition, or its topic where Kafka has not named partitions.
func (pt *partition) String() string {
	if pt.index < 0 {
		return "topic " + pt.topic.name
	}
	return fmt.Sprintf("topic %s, partition %d", pt.topic.name, pt.index)
}

// logRejected logs a rejected record: the first of a kind at once, then rarely.
func (p *Producer) logRejected(r *record.Rejection, at record.Position) {
	if !p.lines.Allow("rejected " + r.Reason + " " + r.Topic) {
		return
	}
	p.log.Warn("Kafka can never accept this record", zap.String("topic", r.Topic), zap.String("id", r.ID),
		zap.String("reason", r.Reason), zap.String("error", r.Text), zap.Stringer("commit_lsn", at.CommitLSN))
}

// Health is what the producer knows of Kafka.
type Health struct {
	Reachable bool
	Since     time.Time // of Reachable
	Err       error     // why it is not reachable
	Denied    []string  // topics this principal may not write, with Kafka's words
	Stuck     []string  // topics and partitions whose records Kafka refuses for another reason, with its words
	Oldest    string    // what Kafka last said of the oldest record that waits; "": nothing
}

// Health returns whether Kafka answers, and what it does not allow or accept.
func (p *Producer) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := Health{Reachable: p.health.Reachable, Since: p.health.Since, Err: p.health.Err}
	for name, t := range p.topics {
		switch {
		case t.blockage.text == "" || !t.queued():
		case t.blockage.denied:
			h.Denied = append(h.Denied, name+": "+t.blockage.text)
		default:
			h.Stuck = append(h.Stuck, name+": "+t.blockage.text)
		}
	}
	var oldest *partition
	for _, pt := range p.queues {
		if pt.head == nil {
			continue
		}
		if oldest == nil || pt.head.First() < oldest.head.First() {
			oldest = pt
		}
		if r := pt.refusal; r != nil && r.stuck && !r.denied && h.Reachable {
			h.Stuck = append(h.Stuck, pt.String()+": "+r.text)
		}
	}
	if oldest != nil && oldest.refusal != nil {
		h.Oldest = oldest.String() + ": " + oldest.refusal.text
	} else if oldest != nil && oldest.topic.blockage.text != "" {
		h.Oldest = oldest.String() + ": " + oldest.topic.blockage.text
	}
	sort.Strings(h.Denied)
	sort.Strings(h.Stuck)
	return h
}

// Topics returns the names of the topics that records were added for and that Kafka has.
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

// maxKinds is how many kinds of lines may come within lograte.Interval: rows make up names.
const maxKinds = 100
