package producer

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/record"
)

// apply takes over an answer: who leads what, and what is missing.
func (p *Producer) apply(res *sarama.MetadataResponse) {
	defer p.opts.Progress() // runs after the unlock
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health.Reached()
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
		switch {
		case t.written: // it existed before: deleted by an operator, so no fault of the record
		case t.p.opts.Create != nil:
			t.create(now)
		default:
			t.rejectIfMissing(now, missingAfter, record.ReasonMissingTopic,
				"the topic does not exist: create it, or set kafka.topics.create")
		}
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed:
		t.denied(m.Err, now)
	case sarama.ErrInvalidTopic, sarama.ErrPolicyViolation:
		t.refuseName(answer.CodeText(m.Err))
	default: // a broker that does not know the topic yet
		for pt := range t.queues() {
			if pt.head != nil && pt.link == nil {
				t.p.noteRefusal(pt, answer.CodeText(m.Err), false)
			}
		}
	}
}

// rejectIfMissing rejects the records of a topic that has been missing for long enough.
func (t *topic) rejectIfMissing(now time.Time, patience time.Duration, reason, text string) {
	for pt := range t.queues() {
		if pt.overdue(now, patience) {
			t.p.rejectQueue(pt, reason, text)
		}
	}
}

// denied notes that the topic may not be described. One that only rows name waits for the
// right for Options.Patience at most.
func (t *topic) denied(err sarama.KError, now time.Time) {
	if !t.blockage.aboutMetadata && t.p.lines.Allow("denied "+t.name) {
		t.p.log.Warn("the topic may not be described: its records wait", zap.String("topic", t.name), zap.Error(err))
	}
	t.block(blockage{text: answer.CodeText(err), denied: true, aboutMetadata: true})
	if err == sarama.ErrTopicAuthorizationFailed && t.madeUp() {
		t.rejectIfMissing(now, t.p.opts.Patience, record.ReasonTopicDenied, deniedText)
	}
}

const deniedText = "walpost may not use the topic, and nothing but a row names it: grant Write and Describe on it, or name it in " +
	"kafka.topics.declare to have its records wait for the right"

// refuseName rejects the records of a topic whose name Kafka refuses: waiting does not
// help. A topic that the file names is not a record's fault: walpost halts.
func (t *topic) refuseName(text string) {
	for pt := range t.queues() {
		if t.configured && pt.head != nil && pt.blocked == notBlocked {
			pt.blocked = awaitingHalt
			t.p.halt(&Halt{
				Topic: t.name, Reason: record.ReasonTopicName, Text: "Kafka refuses the topic: " + text,
				Hint: "change the topic's name in the file",
			})
			continue
		}
		t.p.rejectQueue(pt, record.ReasonTopicName, "Kafka refuses the topic: "+text)
	}
}

// lead takes over a topic's leaders. A partition without a leader at the moment keeps its
// old one, which may still answer.
func (t *topic) lead(m *sarama.TopicMetadata, now time.Time) {
	if len(m.Partitions) == 0 {
		return
	}
	if !t.known {
		if t.waiting.blocked == awaitingDeadLetter {
			return // what waited is being rejected
		}
		if !t.count() {
			t.p.rejectQueue(t.waiting, record.ReasonTooManyTopics, t.p.tooMany())
			return
		}
	}
	if t.blockage.aboutMetadata { // whether it may be written is known only from the answer to a batch
		if t.blockage.denied {
			t.p.log.Info("the topic may be described again", zap.String("topic", t.name))
		}
		t.block(blockage{})
	}
	n := int32(len(m.Partitions))
	t.grow(n)
	for _, x := range m.Partitions {
		if x.ID >= int32(len(t.partitions)) {
			continue
		}
		pt := t.partitions[x.ID]
		if l := t.p.links[x.Leader]; l != nil {
			t.p.lead(pt, l)
		} else if pt.head != nil && pt.link == nil {
			t.p.noteRefusal(pt, "it has no leader; bring back the brokers that hold it", false)
		}
	}
	for _, pt := range t.partitions[n:] {
		if pt.head != nil && pt.blocked == notBlocked {
			pt.blocked = awaitingHalt
			t.p.halt(&Halt{Topic: t.name, Reason: "fewer_partitions", Hint: "add partitions again, then start walpost", Text: fmt.Sprintf(
				"the topic has %d partitions and had %d: records wait for partition %d", n, len(t.partitions), pt.index)})
		}
	}
	t.missingSince = time.Time{}
	for index, pt := range t.missingPartitions { // the topic is there: a missing partition is the record's fault
		if pt.overdue(now, missingAfter) {
			t.p.rejectQueue(pt, record.ReasonMissingPartition, fmt.Sprintf("the topic has no partition %d: see outbox.partition", index))
		}
	}
}

// tooMany returns the text for a topic that is one too many.
func (p *Producer) tooMany() string {
	return fmt.Sprintf("rows have named %d other topics already, as many as they may: raise kafka.topics.most, or let "+
		"kafka.topics.allow reject what is no topic", p.namedTopics)
}
