package producer

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/record"
)

// blocked is why the head of a queue waits although its leader is known.
type blocked uint8

const (
	notBlocked         blocked = iota
	awaitingDeadLetter         // until the dead letter of the head is acknowledged
	awaitingHalt               // for good: the relay halts
)

// partition is the state machine of one partition. Everything in it is guarded
// by Producer.mu.
//
//	empty ──record──▶ waiting ──link free, retryAt past──▶ busy (sealed, numbered)
//	                     ▲                                   │ acknowledged: the head leaves, seq += n
//	                     └── refused, unknown outcome, out of sequence ◀── the same bytes again
//
// At most one batch is under way (busy). It is the partition's state and not the
// link's: when the leader changes meanwhile, the new link waits for the answer of
// the old one, or its timeout. seq moves only when the head is acknowledged, so
// there is no sequence to take back.
type partition struct {
	topic *topic
	index int32
	queue int   // its index in Producer.queues
	link  *link // of the leader; nil while it is not known

	head, tail *batch.Batch
	busy       bool
	listed     bool // in its link's ready or delayed list
	blocked    blocked

	pid   int64 // -1: none yet
	epoch int16
	seq   int32
	added uint64 // group to whose transaction it was added; 0 without transactions
	group uint64 // the newest that it has had a batch of

	retryAt time.Time
	failed  int // consecutive failed attempts at the head

	unplaced *unplaced // nil: Kafka has named the partition
	refusal  *refusal  // nil: Kafka is not known to refuse the head
}

const (
	minBackoff      = 50 * time.Millisecond
	maxBackoff      = time.Second
	operatorBackoff = 2 * time.Second // for what an operator must change
)

// delay postpones the head's next attempt, twice as long each time.
func (pt *partition) delay() {
	pt.failed++
	pt.retryAt = time.Now().Add(retryPause(pt.failed))
}

// retryPause returns how long to pause after so many failed attempts at a partition or
// broker.
func retryPause(failed int) time.Duration {
	return backoff.Exponential{Min: minBackoff, Max: maxBackoff, Jitter: backoff.Around}.Pause(failed)
}

// append adds a record to the open batch at the tail, or begins one.
func (p *Producer) append(pt *partition, rec *record.Record, m *batch.Meta) {
	t := pt.tail
	if t != nil && m.Group < t.Group {
		p.insert(pt, rec, m)
		return
	}
	if t == nil || t.Sealed || t.Group != m.Group || t.Size+int(m.Size) > pt.topic.limit || t.Count == batch.MaxRecords {
		if t != nil {
			t.Sealed = true
		}
		t = p.memory.New()
		if t.Group = m.Group; p.tx != nil {
			p.tx.join(pt, m.Group)
		}
		if pt.tail == nil {
			pt.head = t
		} else {
			pt.tail.Next = t
			p.nudge(pt)
		}
		pt.tail = t
	}
	p.memory.Add(t, rec, m)
}

// takeHead takes the head off the queue.
func (pt *partition) takeHead() *batch.Batch {
	b := pt.head
	if pt.head = b.Next; pt.head == nil {
		pt.tail = nil
	}
	b.Next = nil
	return b
}

// drop takes the head off the queue and its memory back.
func (p *Producer) drop(pt *partition) { p.forget(pt.takeHead()) }

func (p *Producer) forget(b *batch.Batch) {
	p.events -= b.Count
	p.memory.Free(b)
}

// split replaces the head by its two halves.
func (p *Producer) split(pt *partition, at int) {
	b := pt.head
	left, right := p.memory.Split(b, at)
	pt.head = left
	if pt.tail == b {
		pt.tail = right
	}
}

// answer applies the answer to the head that was in flight. The caller holds mu.
func (p *Producer) answer(pt *partition, a answer.Answer) {
	pt.busy = false
	b := pt.head
	if a.Class != answer.Accepted {
		if a.Class == answer.InvalidTime && p.opts.TimestampFromColumn {
			a.Class = answer.Invalid
			p.opts.Observer.ProduceError(answer.InvalidTime.String())
		} else {
			p.opts.Observer.ProduceError(a.Label())
		}
		p.notAccepted(pt, a)
	}
	if p.tx != nil && p.tx.answered(a) {
		return
	}
	switch a.Class {
	case answer.Accepted:
		p.acknowledged(pt)
	case answer.Moved:
		pt.delay()
		p.wantMetadata()
	case answer.UnknownOutcome:
		b.OutcomeUnknown = true
		pt.delay()
		p.wantMetadata()
		if p.tx == nil && time.Since(b.Newest()) > forgottenAfter {
			p.possibleRepeats(pt, b, "Kafka forgets producers by the time stamps of their records (producer.id.expiration.ms)")
		}
	case answer.OutOfSequence:
		p.nextEpoch(pt, b)
	case answer.UnknownProducer:
		p.unknownProducer(pt, b)
	case answer.TooLarge, answer.Invalid:
		p.splitOrReject(pt, a)
	case answer.InvalidTime:
		p.timeRefused(pt, a)
	case answer.InvalidName:
		pt.topic.refuseName(a.Text)
	case answer.Denied:
		p.denied(pt, a)
	case answer.NeverAccepted:
		pt.blocked = awaitingHalt
		p.halt(&Halt{
			Topic: pt.topic.name, Reason: "unsupported", Text: "Kafka can never accept what walpost sends: " + a.Text, Hint: a.Remedy,
		})
	case answer.Unexpected:
		pt.delay()
		if time.Since(pt.refusal.since) > unexpectedFor*p.opts.Patience {
			pt.blocked = awaitingHalt
			p.halt(&Halt{Topic: pt.topic.name, Reason: "unexpected", Hint: a.Remedy, Text: fmt.Sprintf(
				"partition %d has answered for %v as Kafka does not answer to records: %s", pt.index,
				time.Since(pt.refusal.since).Round(time.Second), a.Text)})
		}
	default:
		pt.delay()
	}
	p.schedule(pt)
}

func (p *Producer) acknowledged(pt *partition) {
	b := pt.head
	pt.failed, pt.retryAt = 0, time.Time{}
	pt.seq = batch.NextSequence(pt.seq, b.Count)
	pt.topic.written = true
	p.recovered(pt)
	p.headLeft(pt)
	if b.HasDeadLetters && !b.Acknowledged {
		p.deadLettersAcknowledged(pt)
	}
	b.Acknowledged = true
	if p.tx != nil {
		p.tx.hold(pt)
		return
	}
	p.published(pt.topic, b)
	p.drop(pt)
}

// published tells observers of a batch that consumers can read.
func (p *Producer) published(t *topic, b *batch.Batch) {
	p.opts.Observer.Published(t.name, b.Count, b.Size)
	if committedAt := b.Head().CommittedAt(); committedAt > 0 {
		p.opts.Observer.CommitToAck(max(0, time.Since(time.Unix(0, committedAt))))
	}
	if p.opts.Acknowledged != nil {
		p.opts.Acknowledged(t.name, b.Head().Timestamp())
	}
}

// deadLettersAcknowledged counts the dead letters in the head, and lets go of the heads
// that they stand for.
func (p *Producer) deadLettersAcknowledged(pt *partition) {
	for r := range pt.head.All() {
		if r.IsDeadLetter() {
			p.opts.Observer.DeadLettered(pt.topic.name)
		}
		if cause := r.Cause(); cause >= 0 {
			p.deadLetterAcked(p.queues[cause])
		}
	}
}

// forgottenAfter is an hour less than Kafka's default producer.id.expiration.ms.
const forgottenAfter = 23 * time.Hour

// nextEpoch continues with the next epoch and sequence 0, in this partition only, after the
// broker expected another sequence than ours. Never with a new producer id: a straggler
// of the old one would be appended behind newer records.
func (p *Producer) nextEpoch(pt *partition, b *batch.Batch) {
	if b.OutcomeUnknown {
		p.possibleRepeats(pt, b, "Kafka lost the state of this producer while an answer was missing")
	}
	if pt.epoch == 1<<15-1 {
		p.newID(pt)
		return
	}
	pt.epoch++
	pt.seq = 0
	pt.delay()
}

// newID asks for a new producer id for this partition.
func (p *Producer) newID(pt *partition) {
	pt.pid, pt.epoch, pt.seq = -1, 0, 0
	p.requestProducerID()
}

// unknownProducer continues after a broker no longer knows our producer id: first with the
// next epoch, which keeps stragglers out, then with a new id where that does not help.
// Before the new id is used, an attempt without an answer gets time to arrive or to be
// lost, since Kafka would not recognise it under the new id.
func (p *Producer) unknownProducer(pt *partition, b *batch.Batch) {
	pt.refusal.unknownProducer++
	switch pt.refusal.unknownProducer {
	case 1:
		p.nextEpoch(pt, b)
	case 2: //nolint:mnd // the second time
		if pt.delay(); b.OutcomeUnknown {
			p.possibleRepeats(pt, b, "Kafka lost the producer id while an answer was missing")
			pt.retryAt = time.Now().Add(stragglers)
		}
		p.newID(pt)
	default:
		pt.delay()
	}
}

// denied waits for an operator, with long pauses. A topic that only rows name waits for
// Options.Patience at most.
func (p *Producer) denied(pt *partition, a answer.Answer) {
	t := pt.topic
	if a.Code == sarama.ErrTopicAuthorizationFailed && t.madeUp() && time.Since(t.blockage.since) >= p.opts.Patience {
		p.rejectQueue(pt, record.ReasonTopicDenied, deniedText)
		return
	}
	pt.retryAt = time.Now().Add(operatorBackoff)
}

// timeRefused handles commit times that Kafka does not accept. A time too far back only
// gets older, so the record is found by halving and rejected. A time ahead is a matter of
// clocks, and passes.
func (p *Producer) timeRefused(pt *partition, a answer.Answer) {
	earliest, known := a.Earliest()
	if !known {
		earliest = time.Now().Add(-time.Minute).UnixMilli()
	}
	switch back := pt.head.Before(earliest); {
	case back == 0:
		pt.retryAt = time.Now().Add(operatorBackoff)
	case back == pt.head.Count && known:
		p.reject(pt, record.ReasonTimestamp, a.TooOld())
	default:
		p.splitOrReject(pt, a)
	}
}

const (
	unexpectedFor = 10                       // times Options.Patience: then a person decides about an answer that walpost does not know
	stragglers    = 2 * kafka.ProduceTimeout // after it a request without an answer has arrived or is lost
)

func (p *Producer) possibleRepeats(pt *partition, b *batch.Batch, why string) {
	p.opts.Observer.PossibleRepeats(b.Count)
	p.log.Warn("records may repeat", zap.String("topic", pt.topic.name), zap.Int32("partition", pt.index),
		zap.Int("records", b.Count), zap.String("reason", why))
}

// Has reports whether the head is of a group.
func (pt *partition) Has(group uint64) bool { return pt.head != nil && pt.head.Group == group }

func (pt *partition) Waits(now time.Time) bool {
	return pt.blocked == awaitingHalt || pt.blocked == notBlocked && (pt.link == nil || now.Before(pt.retryAt))
}

func (pt *partition) Halted() bool { return pt.blocked == awaitingHalt }

func (pt *partition) Head() *batch.Batch { return pt.head }

func (pt *partition) Replace(first, last *batch.Batch) {
	pt.head, pt.tail = first, last
	if pt.blocked == awaitingHalt {
		pt.blocked = notBlocked
	}
}

// pushFront puts a batch at the head of the queue again.
func (pt *partition) pushFront(b *batch.Batch) {
	b.Next, b.OutcomeUnknown = pt.head, false
	pt.head = b
	if pt.tail == nil {
		pt.tail = b
	}
	pt.failed, pt.retryAt = 0, time.Time{}
}

// insert adds a record to a group before the newest that the queue has: a dead letter
// stands in the transaction of its record.
func (p *Producer) insert(pt *partition, rec *record.Record, m *batch.Meta) {
	b := p.memory.New()
	b.Group, b.Sealed = m.Group, true
	p.memory.Add(b, rec, m)
	b.Insert(&pt.head)
	p.tx.join(pt, m.Group)
}
