package inbox

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/tracker"
)

// partition is a claim: a partition while it belongs to this member. The key of a record
// chooses a queue, and a worker for each queue processes one record after the other.
type partition struct {
	consumer *Consumer
	session  sarama.ConsumerGroupSession
	claim    sarama.ConsumerGroupClaim
	isRetry  bool // it is of a retry topic
	done     *tracker.Tracker
	queues   []chan record
	seed     maphash.Seed
	inFlight chan struct{} // holds an item for each record not yet below the committed offset
	progress atomic.Int64  // when the mark last moved, or there was nothing to do: Unix nanoseconds
	failure  atomic.Pointer[failure]
}

// record is one in a queue. If it comes from a retry topic, message is the original
// record, and tracked is its place in the retry topic.
type record struct {
	message *sarama.ConsumerMessage
	tracked *tracker.Record
	parked  *parking // nil but for a retry topic
	foreign bool     // it is in a retry topic, and no inbox has parked it
}

const (
	// minQueue is the least capacity of a queue, so that a worker need not wait for the
	// dispatcher.
	minQueue = 16
	// window is how many records of a partition may be in flight: one that is being
	// retried holds back the committed offset, while other keys go on.
	window = 1000
)

func newPartition(c *Consumer, session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) *partition {
	p := &partition{
		consumer: c, session: session, claim: claim, done: tracker.New(claim.InitialOffset()),
		queues: make([]chan record, c.config.Parallel), seed: maphash.MakeSeed(),
		isRetry:  slices.Contains(c.config.retryTopics(), claim.Topic()),
		inFlight: make(chan struct{}, max(window, c.config.Parallel*c.config.Batch)),
	}
	for i := range p.queues {
		p.queues[i] = make(chan record, max(minQueue, c.config.Batch))
	}
	p.progress.Store(time.Now().UnixNano())
	return p
}

// run processes records until the session or the claim ends. It finishes records in hand;
// those that wait are left to the partition's next member.
func (p *partition) run(ctx context.Context) {
	var workers sync.WaitGroup
	for _, queue := range p.queues {
		workers.Go(func() { p.runWorker(ctx, queue) })
	}
	p.dispatch(ctx)
	for _, queue := range p.queues {
		close(queue)
	}
	workers.Wait()
}

func (p *partition) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-p.claim.Messages():
			if !ok || !p.admit(ctx, m) {
				return
			}
		}
	}
}

// admit hands a record to a worker, and reports whether the session goes on.
func (p *partition) admit(ctx context.Context, m *sarama.ConsumerMessage) bool {
	select {
	case <-ctx.Done():
		return false
	case p.inFlight <- struct{}{}:
	}
	if _, waiting := p.done.State(); waiting == 0 {
		p.progress.Store(time.Now().UnixNano()) // the time without records does not count
	}
	r := record{message: m, tracked: p.done.Add(m.Offset)}
	if p.isRetry {
		if !p.restore(&r) {
			return true
		}
	}
	select {
	case <-ctx.Done():
		return false
	case p.queues[p.queueOf(r.message)] <- r:
		return true
	}
}

// queueOf returns the queue of a record. Records of one key share a queue; those without
// a key have no order.
func (p *partition) queueOf(m *sarama.ConsumerMessage) int {
	if len(p.queues) == 1 {
		return 0
	}
	if m.Key == nil {
		return int(m.Offset % int64(len(p.queues)))
	}
	return int(maphash.Bytes(p.seed, m.Key) % uint64(len(p.queues)))
}

// finish marks a record as done, and commits the offset below which all are done.
func (p *partition) finish(r record) {
	freed := p.done.Finish(r.tracked, func(next int64) {
		p.session.MarkOffset(p.claim.Topic(), p.claim.Partition(), next, p.consumer.topics.Noted(p.claim.Topic()))
	})
	if freed == 0 {
		return
	}
	p.progress.Store(time.Now().UnixNano())
	for range freed {
		<-p.inFlight
	}
}
