package producer

import (
	"errors"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/record"
)

// CreateError is the reason why Kafka does not create a topic, if waiting does not help.
type CreateError struct {
	Kind CreateKind
	Err  error
}

func (e *CreateError) Error() string { return e.Err.Error() }
func (e *CreateError) Unwrap() error { return e.Err }

// CreateKind is what a CreateError means.
type CreateKind uint8

// The kinds.
const (
	NameRefused     CreateKind = iota // the name, or a policy of the cluster: it can never be created
	SettingsRefused                   // kafka.topics asks for what the cluster does not give
	RightMissing                      // an operator can grant it
)

// maxCreations bounds what is asked of Kafka at once.
const maxCreations = 32

// create asks the creator for the topic: creating it may take seconds.
func (t *topic) create(now time.Time) {
	switch p := t.p; {
	case t.creating || now.Before(t.createAt):
	case !t.count():
		for pt := range t.queues() {
			p.rejectQueue(pt, ReasonTooManyTopics, p.tooMany())
		}
	default:
		t.creating = true
		p.creations = append(p.creations, t)
		p.create.Notify()
	}
}

// creator is the goroutine that creates topics.
func (p *Producer) creator() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.create:
		}
		for topics := p.nextCreations(); len(topics) > 0 && p.ctx.Err() == nil; topics = p.nextCreations() {
			names := make([]string, len(topics))
			for i, t := range topics {
				names[i] = t.name
			}
			p.created(topics, p.opts.Create(p.ctx, names))
		}
	}
}

// nextCreations returns the topics to create by the next request. Two names that collide
// (. and _ count as the same) are never in one request: Kafka would not notice.
func (p *Producer) nextCreations() []*topic {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken, n := map[string]bool{}, 0
	for ; n < min(len(p.creations), maxCreations); n++ {
		key := strings.ReplaceAll(p.creations[n].name, ".", "_")
		if taken[key] {
			break
		}
		taken[key] = true
	}
	next := p.creations[:n:n]
	p.creations = p.creations[n:]
	return next
}

func (p *Producer) created(topics []*topic, errs []error) {
	defer p.opts.Progress() // runs after the unlock
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	now := time.Now()
	for i, t := range topics {
		t.creating, t.createAt = false, now.Add(operatorBackoff)
		if p.topics[t.name] != t { // given up meanwhile
			continue
		}
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
	why, ok := errors.AsType[*CreateError](err)
	if ok && why.Kind == NameRefused && t.madeUp() {
		for pt := range t.queues() {
			p.rejectQueue(pt, record.ReasonTopicName, "Kafka refuses the topic: "+err.Error())
		}
		return
	}
	if p.health.lines.Allow("create " + t.name) {
		p.log.Warn("the topic cannot be created: its records wait", zap.String("topic", t.name), zap.Error(err))
	}
	text := "it cannot be created: " + err.Error()
	t.block(blockage{text: text, denied: ok && why.Kind == RightMissing, aboutMetadata: true})
	if ok && t.madeUp() {
		t.rejectIfMissing(now, p.opts.Patience, ReasonMissingTopic, "the topic does not exist, and "+text)
	}
}
