package producer

import (
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"
)

// apply takes in an answer: who leads what, and what is missing.
func (p *Producer) apply(res *sarama.MetadataResponse) {
	defer p.opts.Progress() // runs after the unlock
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health.reached()
	for _, b := range res.Brokers {
		p.link(b.ID(), b.Addr())
	}
	now := time.Now()
	for _, m := range res.Topics {
		if t := p.topics[m.Name]; t != nil {
			t.apply(m, now)
		}
	}
	p.advance()
}

func (t *topic) apply(m *sarama.TopicMetadata, now time.Time) {
	switch m.Err {
	case sarama.ErrNoError, sarama.ErrLeaderNotAvailable:
		t.lead(m, now)
	case sarama.ErrUnknownTopicOrPartition:
		if t.p.opts.Create != nil && !t.written {
			t.create()
			return
		}
		t.gone(now, append(slices.Clone(t.partitions), t.waiting)...)
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrInvalidTopic, sarama.ErrPolicyViolation:
		if !t.unseen {
			t.p.log.Warn("the topic may not be described: its records wait", zap.String("topic", t.name), zap.Error(m.Err))
		}
		t.deny(m.Err.Error(), true)
	default: // a broker that does not know yet
	}
}

// lead takes in a topic's leaders. A partition that has none at the moment keeps
// its old one: it may answer all the same.
func (t *topic) lead(m *sarama.TopicMetadata, now time.Time) {
	if len(m.Partitions) == 0 {
		return
	}
	if t.unseen { // whether it may be written only an answer tells
		t.p.log.Info("the topic may be described again", zap.String("topic", t.name))
		t.deny("", false)
	}
	n := int32(len(m.Partitions))
	t.grow(n)
	for _, x := range m.Partitions {
		if l := t.p.links[x.Leader]; l != nil && x.ID < int32(len(t.partitions)) {
			t.p.lead(t.partitions[x.ID], l)
		}
	}
	for _, pt := range t.partitions[n:] {
		if pt.head != nil && pt.hold == free {
			pt.hold = haltHold
			t.p.halt(&Halt{Topic: t.name, Reason: "fewer_partitions", Text: fmt.Sprintf(
				"the topic has %d partitions and had %d: records wait for partition %d; add partitions again, then start walpost", n, len(t.partitions), pt.index)})
		}
	}
	queues := make([]*partition, 0, len(t.absent))
	for _, pt := range t.absent {
		queues = append(queues, pt)
	}
	if len(queues) == 0 {
		t.missing = time.Time{}
		return
	}
	written := t.written
	t.written = false // the topic is there: a missing partition is the record's fault
	t.gone(now, queues...)
	t.written = written
}

// create makes the topic in the background: it may take seconds.
func (t *topic) create() {
	if t.creating {
		return
	}
	t.creating = true
	p := t.p
	p.started.Go(func() {
		err := p.opts.Create(p.ctx, t.name)
		if err != nil && p.ctx.Err() == nil {
			wait := time.NewTimer(backoffSlow)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-p.ctx.Done():
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		t.creating = false
		if err == nil {
			t.deny("", false)
			p.log.Info("created topic", zap.String("topic", t.name))
		} else if p.ctx.Err() == nil {
			t.deny("it cannot be created: "+err.Error(), true)
			if p.health.mayLog("create " + t.name) {
				p.log.Warn("the topic cannot be created: its records wait", zap.String("topic", t.name), zap.Error(err))
			}
		}
		p.wantMetadata()
	})
}
