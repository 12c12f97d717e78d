// Package producer brings records to Kafka: partition queues, idempotent batches,
// one per partition under way, retried until Kafka has them.
//
// It knows sarama's brokers and the Kafka protocol's answers. It must not know
// Postgres: what it needs of the stream is one number per event, rising, and the
// position to name in a dead letter.
//
// Order per key holds by construction: at most one batch of a partition is under
// way, and a batch that fails stays at the head of its queue. A retry is the same
// batch with the same producer id and sequence, so Kafka recognises it. Why not
// sarama's AsyncProducer: docs/design.md.
package producer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/creation"
	"github.com/walpost/walpost/internal/producer/outage"
	"github.com/walpost/walpost/internal/producer/recent"
	"github.com/walpost/walpost/internal/producer/transaction"
	"github.com/walpost/walpost/internal/record"
)

// Options configures a Producer. Brokers, Config and Log are required.
type Options struct {
	Brokers []string                       // host:port
	Config  func() (*sarama.Config, error) // settings for one connection; called for each, so that secrets are read again
	Codec   sarama.CompressionCodec        //
	Linger  time.Duration                  // how long a record may wait for others before it is sent; 0: not at all
	Memory  int64                          // bytes of records not acknowledged from which on Full returns true

	// Explain returns the text of a failed connection for people; nil: the error itself.
	Explain func(addr string, err error) error

	// Acknowledged is called for each batch that Kafka took, with its topic and the time of
	// its first record in milliseconds since 1970. It must be fast. It may be nil.
	Acknowledged func(topic string, stamp int64)

	// Create creates missing topics, some at once, and returns an error or
	// nil for each. A *creation.Error says what the error means, any other passes by itself.
	// One goroutine calls it. nil: the records of a missing topic are rejected.
	Create func(ctx context.Context, topics []string) []error

	// MaxTopics is how many topics rows may name, not counting those that the file names;
	// 0: any number.
	MaxTopics int
	// Configured reports whether the file names the topic. The records of such a topic wait
	// until an operator has fixed what keeps them. nil: the file names none.
	Configured func(topic string) bool
	// Patience is how long the records of a topic that only rows name wait for an operator;
	// 0: a minute.
	Patience time.Duration

	OnReject record.RejectPolicy
	// DeadLetterOf returns the dead letter of a record, with its topic. It is required under
	// record.RejectDeadLetter.
	DeadLetterOf func(rec *record.Record, why *record.Rejection, at record.Position) (*record.Record, error)

	// TimestampFromColumn: record times come from a column, so a time stamp that
	// Kafka refuses is the record's fault and not the clock's.
	TimestampFromColumn bool

	// Progress is called after answers, when the watermark may have risen or
	// memory was given back. It must not block.
	Progress func()

	// Changed is called when Health may have changed. It must not block and must not call
	// back.
	Changed func()

	// Transactions, if not nil, makes each record visible exactly once, see Fence and Resume.
	Transactions *Transactions

	Observer Observer // nil: NopObserver
	Log      *zap.Logger
}

// Producer is the way of records to one Kafka cluster.
type Producer struct {
	opts Options
	log  *zap.Logger

	mu           sync.Mutex
	topics       map[string]*topic
	last         *topic // of the last record added: most events go where the one before went
	queues       []*partition
	vacant       []int                             // indexes of queues that are free
	namedTopics  int                               // topics that count against MaxTopics
	unasked      int                               // topics whose metadata was not asked for
	waiting      int                               // queues for missing topics and partitions that may wait
	foundMissing recent.Set[transaction.Partition] // topics and partitions that were missing for long enough
	creator      *creation.Creator                 // nil: missing topics are not created
	links        map[int32]*link
	memory       batch.Memory
	events       int           // records queued
	lastEvent    uint64        // highest number added
	watermark    atomic.Uint64 // see Watermark
	pid          int64         // -1 until Kafka gave one
	health       outage.Watch
	lines        lograte.Lines // by kind
	halted       *Halt
	tx           *transactor // nil: no transactions
	active       uint64      // group that may be sent: 0 without transactions

	committedAt atomic.Int64  // when the events that come in were committed, unix nanoseconds by our clock; 0: not known
	fill        atomic.Int64  // how long a request may wait to fill, nanoseconds
	want        notify.Signal // asks the control goroutine for metadata
	wanted      bool
	started     sync.WaitGroup
	ctx         context.Context
	cancel      context.CancelFunc
}

// New starts a producer. It contacts Kafka in the background; Close ends it.
func New(ctx context.Context, opts Options) *Producer {
	if opts.Observer == nil {
		opts.Observer = NopObserver{}
	}
	if opts.Explain == nil {
		opts.Explain = func(addr string, err error) error { return fmt.Errorf("%s: %w", addr, err) }
	}
	if opts.Configured == nil {
		opts.Configured = func(string) bool { return false }
	}
	opts.Patience = cmp.Or(opts.Patience, time.Minute)
	if opts.Progress == nil {
		opts.Progress = func() {}
	}
	if opts.Changed == nil {
		opts.Changed = func() {}
	}
	p := &Producer{
		opts: opts, log: opts.Log,
		topics: map[string]*topic{}, links: map[int32]*link{},
		pid:    -1,
		want:   notify.NewSignal(),
		health: outage.New(opts.Log, opts.Changed),
		lines:  lograte.Lines{Max: maxKinds},
	}
	if opts.Transactions != nil {
		p.tx, p.pid = newTransactor(p, opts.Transactions), 0
	}
	p.memory.SetLimit(opts.Memory)
	p.watermark.Store(1)
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.started.Go(p.control)
	if opts.Create != nil {
		p.creator = creation.New(opts.Create, p.created)
		p.started.Go(func() { p.creator.Run(p.ctx) })
	}
	return p
}

// Close ends the producer without waiting for what is queued: see Idle. A
// connection that is being opened is left to its own timeout.
func (p *Producer) Close() {
	p.cancel()
	p.started.Wait()
}

// SetAge sets how old the events are that are added from now on. From BehindAfter on a
// request may wait to fill, a tenth of that age, 20 ms at most: otherwise a busy
// machine would send tiny requests, whose cost starves everything, the walsender too.
func (p *Producer) SetAge(age time.Duration) {
	p.committedAt.Store(time.Now().Add(-age).UnixNano())
	wait := time.Duration(0)
	if age >= BehindAfter {
		wait = min(max(age/10, minFill), maxFill).Truncate(minFill)
	}
	if p.fill.Load() != int64(wait) {
		p.fill.Store(int64(wait))
	}
}

// Add queues a record under its event number. It copies what it keeps and never
// blocks: ask Full before reading on.
func (p *Producer) Add(rec *record.Record, event uint64, pos record.Position) {
	p.enter(rec, batch.Meta{Event: event, Position: pos, Partition: rec.Partition, Cause: batch.NoCause})
}

// AddDeadLetter queues a record that is a dead letter: if Kafka refuses it, the relay
// halts as under Stop.
func (p *Producer) AddDeadLetter(rec *record.Record, event uint64, pos record.Position) {
	p.enter(rec, batch.Meta{Event: event, Position: pos, Partition: rec.Partition, IsDeadLetter: true, Cause: batch.NoCause})
}

// enter queues the record of an event.
func (p *Producer) enter(rec *record.Record, m batch.Meta) {
	p.mu.Lock()
	if p.tx == nil {
		p.add(rec, m)
	} else {
		p.tx.add(rec, m)
	}
	p.mu.Unlock()
}

func (p *Producer) add(rec *record.Record, m batch.Meta) {
	t := p.last
	if t == nil || t.name != rec.Topic {
		t = p.topic(rec.Topic)
		p.last = t
	}
	p.lastEvent = max(p.lastEvent, m.Event)
	p.events++
	m.Size, m.CommittedAt = int32(batch.WireSize(rec)), p.committedAt.Load()
	pt := t.choose(rec.Key, m.Partition)
	p.append(pt, rec, &m)
	if !pt.listed && !pt.busy {
		p.schedule(pt)
	}
	if p.Full() {
		p.nudge(pt) // nothing more comes: a request must not wait to fill
	}
}

// Full reports whether the memory for records that are not acknowledged is used up.
func (p *Producer) Full() bool { return p.memory.Used() >= p.opts.Memory }

// Watermark returns the lowest event number that is not acknowledged: every event
// below it is in Kafka, in a dead letter topic, or skipped by policy. With
// nothing queued it is one above the last event added.
func (p *Producer) Watermark() uint64 { return p.watermark.Load() }

// advance raises the watermark to the lowest head, with mu held. What is added
// later has a higher number, so it needs no advance.
func (p *Producer) advance() {
	if p.tx != nil { // only a commit raises it
		p.tx.wake.Notify()
		return
	}
	low := p.lastEvent + 1
	for _, pt := range p.queues {
		if pt.head != nil {
			low = min(low, pt.head.First())
		}
	}
	p.watermark.Store(low)
}

// InFlight returns what is queued or under way: events, and bytes of memory.
func (p *Producer) InFlight() (events int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events, p.memory.Used()
}

// Idle reports whether nothing is left that can be delivered: the queues are empty except
// for what an operator must decide. A head that waits for its dead letter is not counted:
// the dead letter is in a queue itself.
func (p *Producer) Idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tx != nil {
		return p.tx.idle()
	}
	return !slices.ContainsFunc(p.queues, func(pt *partition) bool {
		return pt.head != nil && pt.blocked == notBlocked
	})
}
