package inbox

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// partition is a claim: a partition while it is this member's. Its records go by key
// to lanes, each of which processes one after the other.
type partition struct {
	consumer *Consumer
	session  sarama.ConsumerGroupSession
	claim    sarama.ConsumerGroupClaim
	isRetry  bool // it is of a retry topic
	done     *tracker
	lanes    []chan record
	seed     maphash.Seed
	room     chan struct{} // a place for each record that is not yet below the mark
	progress atomic.Int64  // when the mark last moved, or there was nothing to do: Unix nanoseconds
	failure  atomic.Pointer[failure]
}

// record is one in a lane. Of a retry topic it is the record as it was, where it was;
// tracked is where it is.
type record struct {
	message *sarama.ConsumerMessage
	tracked *tracked
	parked  *parking // nil but for a retry topic
}

const (
	// laneBuffer is how many records wait in a lane at least, so that it need not wait
	// for the dispatcher.
	laneBuffer = 16
	// window is how many records of a partition may be under way: one that is tried
	// again holds the mark, while other keys go on.
	window = 1000
)

func newPartition(c *Consumer, session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) *partition {
	p := &partition{
		consumer: c, session: session, claim: claim, done: newTracker(claim.InitialOffset()),
		lanes: make([]chan record, c.config.Parallel), seed: maphash.MakeSeed(),
		isRetry: slices.Contains(c.config.retryTopics(), claim.Topic()),
		room:    make(chan struct{}, max(window, c.config.Parallel*c.config.Batch)),
	}
	for i := range p.lanes {
		p.lanes[i] = make(chan record, max(laneBuffer, c.config.Batch))
	}
	p.progress.Store(time.Now().UnixNano())
	return p
}

// run processes records until the session or the claim ends. Records in hand are
// finished, records that wait are left for who has the partition next.
func (p *partition) run(ctx context.Context) {
	var lanes sync.WaitGroup
	for _, lane := range p.lanes {
		lanes.Go(func() { p.runLane(ctx, lane) })
	}
	p.dispatch(ctx)
	for _, lane := range p.lanes {
		close(lane)
	}
	lanes.Wait()
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

// admit hands a record to its lane, and says whether the session goes on.
func (p *partition) admit(ctx context.Context, m *sarama.ConsumerMessage) bool {
	select {
	case <-ctx.Done():
		return false
	case p.room <- struct{}{}:
	}
	if _, waiting := p.done.state(); waiting == 0 {
		p.progress.Store(time.Now().UnixNano()) // the time without records does not count
	}
	r := record{message: m, tracked: p.done.add(m.Offset)}
	if p.isRetry {
		ours, ok := p.restore(&r)
		if !ok || !ours {
			return ok
		}
	}
	select {
	case <-ctx.Done():
		return false
	case p.lanes[p.laneOf(r.message)] <- r:
		return true
	}
}

// laneOf keeps records of a key in one lane. Those without a key have no order.
func (p *partition) laneOf(m *sarama.ConsumerMessage) int {
	if len(p.lanes) == 1 {
		return 0
	}
	if m.Key == nil {
		return int(m.Offset % int64(len(p.lanes)))
	}
	return int(maphash.Bytes(p.seed, m.Key) % uint64(len(p.lanes)))
}

// finish marks what is done, and all before it that was only waiting for it.
func (p *partition) finish(r record) {
	freed := p.done.finish(r.tracked, func(next int64) {
		p.session.MarkOffset(p.claim.Topic(), p.claim.Partition(), next, "")
	})
	if freed == 0 {
		return
	}
	p.progress.Store(time.Now().UnixNano())
	for range freed {
		<-p.room
	}
}
