package producer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/producer/batch"
)

const (
	maxRequest = 4 << 20   // bytes of records in one request, before compression
	fillSize   = 512 << 10 // size that a request waits for while behind

	maxRequestRecords = 2 * batch.MaxRecords // bounds what an arena holds
)

// BehindAfter is the age from which events count as behind: then waiting for more of them
// saves work, here and where the stream is read.
const BehindAfter = 20 * time.Millisecond

// While behind a request waits for fillSize, between minFill and maxFill.
const (
	minFill = 5 * time.Millisecond
	maxFill = 20 * time.Millisecond
)

// link is the way to one broker: one goroutine, one connection of its own, one
// request under way. Kafka executes the requests of a connection one after the
// other, so more of them in flight would only hide network latency.
//
// The connection is a sarama.Broker of the link's own, never one of a sarama.Client: a
// client closes its brokers when it likes, and they share locks that a frozen broker holds.
type link struct {
	p    *Producer
	id   int32
	wake notify.Signal

	// guarded by Producer.mu
	addr    string
	ready   []*partition // their heads may be sent, oldest first
	delayed []*partition // their heads wait for retryAt
	idle    bool         // the goroutine waits for wake

	// the goroutine's own
	conn    *sarama.Broker
	opened  string // address conn was opened to
	failed  int    // consecutive attempts to connect that failed
	answers chan produced
	arena   batch.Arena
	timer   *time.Timer
}

type produced struct {
	response *sarama.ProduceResponse
	err      error
}

// schedule lists the partition with its leader's link, if its head may be sent
// now or after its retryAt. Called whenever that may have changed, with mu held.
func (p *Producer) schedule(pt *partition) {
	l := pt.link
	if l == nil || pt.listed || pt.busy || pt.head == nil || pt.blocked != notBlocked || p.pid < 0 ||
		pt.head.Group != p.active || pt.added != p.active {
		return
	}
	pt.listed = true
	if pt.retryAt.IsZero() || !time.Now().Before(pt.retryAt) {
		l.ready = append(l.ready, pt)
	} else {
		l.delayed = append(l.delayed, pt)
	}
	l.signal()
}

// nudge wakes a link that waits for a request to fill: a batch became full.
func (p *Producer) nudge(pt *partition) {
	if pt.link != nil {
		pt.link.signal()
	}
}

func (l *link) signal() {
	if !l.idle {
		return
	}
	l.idle = false
	l.wake.Notify()
}

// lead makes l the partition's link. It first waits for a request that is in flight to the
// old leader: busy belongs to the partition, not to the link.
func (p *Producer) lead(pt *partition, l *link) {
	if pt.link == l {
		return
	}
	p.unlist(pt)
	pt.link = l
	pt.retryAt = time.Time{}
	p.schedule(pt)
}

// unlist takes the partition off its link's lists.
func (p *Producer) unlist(pt *partition) {
	if !pt.listed {
		return
	}
	same := func(x *partition) bool { return x == pt }
	pt.link.ready = slices.DeleteFunc(pt.link.ready, same)
	pt.link.delayed = slices.DeleteFunc(pt.link.delayed, same)
	pt.listed = false
}

// link returns the link to a broker, and starts it when it is new.
func (p *Producer) link(id int32, addr string) *link {
	l := p.links[id]
	if l == nil {
		l = &link{
			p: p, id: id, wake: notify.NewSignal(),
			answers: make(chan produced, 1), timer: time.NewTimer(time.Hour),
		}
		p.links[id] = l
		p.started.Go(func() { l.run(p.ctx) })
	}
	l.addr = addr
	return l
}

func (l *link) run(ctx context.Context) {
	defer l.hangUp()
	for l.await(ctx) {
		if !l.connect(ctx) {
			continue
		}
		if sent := l.collect(); len(sent) > 0 {
			l.produce(ctx, sent)
			l.p.opts.Progress()
		}
	}
}

// await waits until there is something to send, and reports whether there is: not at the
// end.
func (l *link) await(ctx context.Context) bool {
	var filling time.Time
	for {
		l.p.mu.Lock()
		wait := l.due(time.Now())
		size := 0
		for _, pt := range l.ready {
			size += pt.head.Size
		}
		if size > 0 {
			fill := max(l.p.opts.Linger, time.Duration(l.p.fill.Load()))
			if filling.IsZero() {
				filling = time.Now()
			}
			wait = fill - time.Since(filling)
			if size >= fillSize || l.p.Full() || l.p.tx != nil {
				wait = 0
			}
			if wait <= 0 {
				l.p.mu.Unlock()
				return ctx.Err() == nil
			}
		}
		l.idle = true
		l.p.mu.Unlock()
		l.timer.Reset(wait)
		select {
		case <-ctx.Done():
			return false
		case <-l.wake:
		case <-l.timer.C:
		}
	}
}

// due moves partitions whose back-off has passed to the ready list and returns
// the time to the next one, with mu held.
func (l *link) due(now time.Time) time.Duration {
	wait := time.Hour
	l.delayed = slices.DeleteFunc(l.delayed, func(pt *partition) bool {
		if left := pt.retryAt.Sub(now); left > 0 {
			wait = min(wait, left)
			return false
		}
		l.ready = append(l.ready, pt)
		return true
	})
	l.idle = false
	return wait
}

// connect opens the connection if there is none, and reports whether it is open. After a
// failure it waits for the broker's own back-off, so that not every partition dials.
func (l *link) connect(ctx context.Context) bool {
	l.p.mu.Lock()
	addr := l.addr
	l.p.mu.Unlock()
	if l.conn != nil && l.opened == addr {
		return true
	}
	l.hangUp()
	conn, err := dial(addr, l.p.opts.Config)
	if err == nil {
		if l.opened != "" {
			l.p.opts.Observer.Reconnected()
		}
		l.conn, l.opened, l.failed = conn, addr, 0
		return ctx.Err() == nil
	}
	l.p.opts.Observer.ProduceError(answer.Connection)
	l.p.linkFailed(l, addr, err)
	l.failed++
	_ = backoff.Sleep(ctx, retryPause(l.failed)) // await sees that ctx has ended
	return false
}

// hangUp closes the connection.
func (l *link) hangUp() {
	if l.conn != nil {
		kafka.HangUp(l.conn)
		l.conn = nil
	}
}

// collect takes the heads for one request. Partitions take turns, so that a full
// request starves none.
func (l *link) collect() []*partition {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	var size, records, headers, n int
	for ; n < len(l.ready); n++ {
		head := l.ready[n].head
		if n > 0 && (size+head.Size > maxRequest || records+head.Count > maxRequestRecords) {
			break
		}
		size += head.Size
		records += head.Count
		headers += head.Headers
	}
	l.arena.Reset(records, headers)
	sent := make([]*partition, n)
	copy(sent, l.ready)
	l.ready = append(l.ready[:0], l.ready[n:]...)
	for _, pt := range sent {
		pt.listed, pt.busy, pt.head.Sealed = false, true, true
		if pt.pid < 0 {
			pt.pid = l.p.pid
		}
		if pt.topic.sticky == pt {
			pt.topic.sticky = nil
		}
	}
	return sent
}

// produce sends the heads in one request, waits for its answer, and hands each
// partition its own. What is read here of a busy partition changes with the
// answer only, so no lock is needed.
func (l *link) produce(ctx context.Context, sent []*partition) {
	req := &sarama.ProduceRequest{
		RequiredAcks: sarama.WaitForAll, Timeout: int32(kafka.ProduceTimeout / time.Millisecond), Version: kafka.ProduceVersion,
	}
	for _, pt := range sent {
		b := pt.head.Encode(&l.arena, l.p.opts.Codec, pt.pid, pt.epoch, pt.seq)
		b.IsTransactional = l.p.tx != nil
		req.AddBatch(pt.topic.name, pt.index, b)
	}
	if l.p.tx != nil {
		req.TransactionalID = l.p.tx.Client.ID()
	}
	crash.At(crash.BeforeProduce)
	begun, answers := time.Now(), l.answers
	err := l.conn.AsyncProduce(req, func(res *sarama.ProduceResponse, err error) { answers <- produced{res, err} })
	var got produced
	if err == nil {
		select {
		case got = <-answers: // called once; the channel has room for it, so it never blocks sarama
		case <-ctx.Done():
			return
		}
		err = got.err
		l.p.opts.Observer.Request(time.Since(begun))
	}
	if err != nil {
		l.hangUp()
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if err == nil {
		l.p.health.Reached()
	}
	for _, pt := range sent {
		if err != nil {
			l.p.answer(pt, answer.None(err))
		} else {
			l.p.answer(pt, answer.Of(got.response.GetBlock(pt.topic.name, pt.index)))
		}
	}
	crash.At(crash.Acknowledged)
	l.p.advance()
}

// dial opens a connection with fresh settings.
func dial(addr string, settings func() (*sarama.Config, error)) (*sarama.Broker, error) {
	conf, err := settings()
	if err != nil {
		return nil, err
	}
	return kafka.Dial(addr, conf)
}

func (p *Producer) linkFailed(l *link, addr string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines.Allow(fmt.Sprint("link ", l.id)) {
		p.log.Warn("a Kafka broker is not reachable, its partitions wait", zap.Int32("broker", l.id), zap.Error(p.opts.Explain(addr, err)))
	}
	for _, pt := range p.queues {
		if pt.link == l && pt.head != nil && !pt.busy {
			p.noteRefusal(pt, fmt.Sprintf("its leader, broker %d, is not reachable: %v", l.id, p.opts.Explain(addr, err)), false)
		}
	}
	p.wantMetadata()
}
