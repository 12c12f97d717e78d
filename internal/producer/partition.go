package producer

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/record"
)

// blocked is why the head of a queue waits although its leader is known.
type blocked uint8

const (
	notBlocked         blocked = iota
	awaitingDeadLetter         // until the dead letter of the head is acknowledged
	awaitingHalt               // for ever: the relay halts
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

	head, tail *batch
	busy       bool
	listed     bool // in its link's ready or delayed list
	blocked    blocked

	pid   int64 // -1: none yet
	epoch int16
	seq   int32

	retryAt time.Time
	backoff time.Duration

	unplaced *unplaced // nil: Kafka has named the partition
	refusal  *refusal  // nil: Kafka takes the head, as far as is known
}

// number returns the index of the queue in Producer.queues; nil has -1.
func (pt *partition) number() int32 {
	if pt == nil {
		return -1
	}
	return int32(pt.queue)
}

const (
	minBackoff      = 50 * time.Millisecond
	maxBackoff      = time.Second
	operatorBackoff = 2 * time.Second // for what an operator must change
)

// delay puts the head's next attempt off, twice as long each time, with jitter.
func (pt *partition) delay() {
	pt.backoff = min(max(2*pt.backoff, minBackoff), maxBackoff)
	pt.retryAt = time.Now().Add(pt.backoff/2 + rand.N(pt.backoff))
}

// append adds a record to the open batch at the tail, or begins one.
func (p *Producer) append(pt *partition, rec *record.Record, m *meta) {
	t := pt.tail
	if t == nil || t.sealed || t.size+int(m.size) > pt.topic.limit || t.count == maxRecords {
		if t != nil {
			t.sealed = true
		}
		t = p.newBatch()
		if pt.tail == nil {
			pt.head = t
		} else {
			pt.tail.next = t
			p.nudge(pt)
		}
		pt.tail = t
	}
	need, have := packedSize(rec), len(t.chunks)
	if have == 0 || !t.chunks[have-1].fits(need) {
		c := p.memory.get(have, need)
		c.batches = 1
		t.chunks = append(t.chunks, c)
		have++
	}
	t.add(t.chunks[have-1], rec, m)
}

// drop takes the head off the queue and its memory back.
func (p *Producer) drop(pt *partition) {
	b := pt.head
	pt.head = b.next
	if pt.head == nil {
		pt.tail = nil
	}
	p.events -= b.count
	p.freeBatch(b)
}

// split replaces the head by its two halves.
func (p *Producer) split(pt *partition, at int) {
	b := pt.head
	left, right := b.split(at)
	pt.head = left
	if pt.tail == b {
		pt.tail = right
	}
	p.freeBatch(b)
}

func (p *Producer) newBatch() *batch {
	if b := p.batches; b != nil {
		p.batches, b.next = b.next, nil
		return b
	}
	return &batch{}
}

func (p *Producer) freeBatch(b *batch) {
	for _, c := range b.chunks {
		if c.batches--; c.batches == 0 {
			p.memory.put(c)
		}
	}
	clear(b.chunks)
	*b = batch{chunks: b.chunks[:0], next: p.batches}
	p.batches = b
}

// answer takes in what became of the head that was under way. The caller holds mu.
func (p *Producer) answer(pt *partition, a answer) {
	pt.busy = false
	b := pt.head
	if a.class != accepted {
		if a.class == invalidTime && p.opts.TimestampFromColumn {
			a.class = invalid
			p.opts.Observer.ProduceError(invalidTime.String())
		} else {
			p.opts.Observer.ProduceError(a.label())
		}
		p.notAccepted(pt, a)
	}
	switch a.class {
	case accepted:
		p.acknowledged(pt)
	case moved:
		pt.delay()
		p.wantMetadata()
	case unknownOutcome:
		b.outcomeUnknown = true
		pt.delay()
		p.wantMetadata()
		if time.Since(b.newest()) > forgottenAfter {
			p.possibleRepeats(pt, b, "Kafka forgets producers by the time stamps of their records (producer.id.expiration.ms)")
		}
	case outOfSequence:
		p.nextEpoch(pt, b)
	case unknownProducer:
		p.unknownProducer(pt, b)
	case tooLarge, invalid:
		p.splitOrReject(pt, a)
	case invalidTime:
		p.timeRefused(pt, a)
	case invalidName:
		pt.topic.refuseName(a.text)
	case denied:
		p.denied(pt, a)
	case neverAccepted:
		pt.blocked = awaitingHalt
		p.halt(&Halt{Topic: pt.topic.name, Reason: "unsupported", Text: "Kafka can never accept what walpost sends: " + a.text, Hint: a.remedy})
	case unexpected:
		pt.delay()
		if time.Since(pt.refusal.since) > unexpectedFor*p.opts.Patience {
			pt.blocked = awaitingHalt
			p.halt(&Halt{Topic: pt.topic.name, Reason: "unexpected", Hint: a.remedy, Text: fmt.Sprintf(
				"partition %d has answered for %v as Kafka does not answer to records: %s", pt.index, time.Since(pt.refusal.since).Round(time.Second), a.text)})
		}
	default:
		pt.delay()
	}
	p.schedule(pt)
}

func (p *Producer) acknowledged(pt *partition) {
	b := pt.head
	pt.backoff, pt.retryAt = 0, time.Time{}
	pt.seq = nextSequence(pt.seq, b.count)
	pt.topic.written = true
	p.recovered(pt)
	p.headLeft(pt)
	p.opts.Observer.Published(pt.topic.name, b.count, b.size)
	if committedAt := b.head().committedAt(); committedAt > 0 {
		p.opts.Observer.CommitToAck(max(0, time.Since(time.Unix(0, committedAt))))
	}
	if p.opts.Acknowledged != nil {
		p.opts.Acknowledged(pt.topic.name, b.head().timestamp())
	}
	if b.hasDeadLetters {
		p.deadLettersAcknowledged(pt)
	}
	p.drop(pt)
}

// deadLettersAcknowledged counts the dead letters in the head, and lets go of the heads
// that they stand for.
func (p *Producer) deadLettersAcknowledged(pt *partition) {
	for r := range pt.head.all() {
		if r.isDeadLetter() {
			p.opts.Observer.DeadLettered(pt.topic.name)
		}
		if cause := r.cause(); cause >= 0 {
			p.deadLetterAcked(p.queues[cause])
		}
	}
}

// forgottenAfter is an hour less than Kafka's default producer.id.expiration.ms.
const forgottenAfter = 23 * time.Hour

// nextSequence returns seq + n in the 31 bits that Kafka counts in: 0 follows 2^31-1.
func nextSequence(seq int32, n int) int32 {
	return int32((int64(seq) + int64(n)) & (1<<31 - 1))
}

// nextEpoch goes on with the next epoch and sequence 0, in this partition only, after the
// broker expected another sequence than ours. Never with a new producer id: a straggler
// of the old one would be appended behind newer records.
func (p *Producer) nextEpoch(pt *partition, b *batch) {
	if b.outcomeUnknown {
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

// unknownProducer goes on after a broker no longer knows our producer id: first with the
// next epoch, which keeps stragglers out, then with a new id where that does not help.
// Before the new id is used, an attempt without an answer gets time to arrive or to be
// lost, since Kafka would not recognise it under the new id.
func (p *Producer) unknownProducer(pt *partition, b *batch) {
	pt.refusal.unknownProducer++
	switch pt.refusal.unknownProducer {
	case 1:
		p.nextEpoch(pt, b)
	case 2: //nolint:mnd // the second time
		if pt.delay(); b.outcomeUnknown {
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
func (p *Producer) denied(pt *partition, a answer) {
	t := pt.topic
	if a.code == sarama.ErrTopicAuthorizationFailed && t.madeUp() && time.Since(t.blockage.since) >= p.opts.Patience {
		p.rejectQueue(pt, ReasonTopicDenied, deniedText)
		return
	}
	pt.retryAt = time.Now().Add(operatorBackoff)
}

// timeRefused handles commit times that Kafka does not accept. A time too far back only
// gets older, so the record is found by halving and rejected. A time ahead is a matter of
// clocks, and passes.
func (p *Producer) timeRefused(pt *partition, a answer) {
	earliest, known := time.Now().Add(-time.Minute).UnixMilli(), false // for brokers that do not say
	if m := timeRange.FindStringSubmatch(a.text); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			earliest, known = n, true
		}
	}
	back := 0
	for r := range pt.head.all() {
		if r.timestamp() < earliest {
			back++
		}
	}
	switch {
	case back == 0:
		pt.retryAt = time.Now().Add(operatorBackoff)
	case back == pt.head.count && known:
		p.reject(pt, record.ReasonTimestamp, tooOld(a))
	default:
		p.splitOrReject(pt, a)
	}
}

// timeRange matches the range of times that Kafka names, in milliseconds.
var timeRange = regexp.MustCompile(`should be within \[(-?\d+), -?\d+\]`)

const (
	unexpectedFor = 10                       // times Options.Patience: then a person decides about an answer that walpost does not know
	stragglers    = 2 * kafka.ProduceTimeout // after it a request without an answer has arrived or is lost
)

func (p *Producer) possibleRepeats(pt *partition, b *batch, why string) {
	p.opts.Observer.PossibleRepeats(b.count)
	p.log.Warn("records may repeat", zap.String("topic", pt.topic.name), zap.Int32("partition", pt.index),
		zap.Int("records", b.count), zap.String("reason", why))
}
