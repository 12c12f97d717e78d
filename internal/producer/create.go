package producer

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/producer/creation"
	"github.com/walpost/walpost/internal/record"
)

// create asks the creator for the topic: creating it may take seconds.
func (t *topic) create(now time.Time) {
	switch p := t.p; {
	case t.creating || now.Before(t.createAt):
	case !t.count():
		for pt := range t.queues() {
			p.rejectQueue(pt, record.ReasonTooManyTopics, p.tooMany())
		}
	default:
		t.creating = true
		p.creator.Ask(t.name)
	}
}

// created takes what became of topics.
func (p *Producer) created(topics []string, errs []error) {
	defer p.opts.Progress() // runs after the unlock
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	now := time.Now()
	for i, name := range topics {
		t := p.topics[name]
		if t == nil || !t.creating { // given up meanwhile
			continue
		}
		t.creating, t.createAt = false, now.Add(operatorBackoff)
		if errs[i] != nil {
			t.notCreated(errs[i], now)
			continue
		}
		t.block(blockage{})
		p.log.Info("created topic", zap.String("topic", t.name))
	}
	p.advance()
	p.wantMetadata()
}

// notCreated handles a topic that could not be created. Its records wait if an
// operator can fix the cause; those of a topic that only rows name for Options.Patience at most.
func (t *topic) notCreated(err error, now time.Time) {
	p := t.p
	why, ok := errors.AsType[*creation.Error](err)
	if ok && why.Kind == creation.NameRefused && t.madeUp() {
		for pt := range t.queues() {
			p.rejectQueue(pt, record.ReasonTopicName, "Kafka refuses the topic: "+err.Error())
		}
		return
	}
	if p.lines.Allow("create " + t.name) {
		p.log.Warn("the topic cannot be created: its records wait", zap.String("topic", t.name), zap.Error(err))
	}
	text := "it cannot be created: " + err.Error()
	t.block(blockage{text: text, denied: ok && why.Kind == creation.RightMissing, aboutMetadata: true})
	if ok && t.madeUp() {
		t.rejectIfMissing(now, p.opts.Patience, record.ReasonMissingTopic, "the topic does not exist, and "+text)
	}
}
