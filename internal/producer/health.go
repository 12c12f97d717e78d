package producer

import (
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
	if a.class == denied {
		pt.topic.deny(a.text, false)
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
	pt.topic.deny("", pt.topic.unseen)
	t := &pt.topic.trouble
	if t.count == 0 || t.by != pt {
		return
	}
	p.log.Info("Kafka takes batches again", zap.String("topic", pt.topic.name),
		zap.Duration("after", time.Since(t.since)), zap.Int("times", t.count))
	*t = trouble{}
}

// deny notes what Kafka does not allow, "" when it does. unseen: it is about the
// topic's metadata, or making it, and not about writing.
func (t *topic) deny(text string, unseen bool) {
	changed := t.denied != text
	t.denied, t.unseen = text, unseen
	if changed {
		t.p.opts.Changed()
	}
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

// Health tells whether Kafka answers, and what it does not allow.
func (p *Producer) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := Health{Reachable: p.health.reachable, Since: p.health.since, Err: p.health.err}
	for name, t := range p.topics {
		if t.denied != "" {
			h.Denied = append(h.Denied, name+": "+t.denied)
		}
	}
	sort.Strings(h.Denied)
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

// mayLog is true for the first of a kind and then rarely.
func (h *health) mayLog(kind string) bool {
	now := time.Now()
	if last, ok := h.rarely[kind]; ok && now.Sub(last) < logEvery {
		return false
	}
	if h.rarely == nil || len(h.rarely) > 1000 {
		h.rarely = map[string]time.Time{}
	}
	h.rarely[kind] = now
	return true
}
