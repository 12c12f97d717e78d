package producer

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/group"
	"github.com/walpost/walpost/internal/producer/transaction"
	"github.com/walpost/walpost/internal/record"
)

// Transactions makes a producer write its records exactly once: each group of them in one
// Kafka transaction, together with a record that says how far they go.
type Transactions struct {
	*transaction.Writer
	// Position returns the record that says that all events up to and with the one at a
	// position are in Kafka, and that none is missing up to an LSN.
	Position func(at record.Position, complete pgoutput.LSN) *record.Record
}

// transactor is the goroutine that writes one transaction after the other. The group that
// is filled while another is written has all that came in meanwhile.
type transactor struct {
	*Transactions

	p    *Producer
	wake notify.Signal

	// guarded by Producer.mu
	group.Groups[*partition]
	trouble error // why the transaction under way must be given up
	doubt   bool  // a link had no answer
	flush   bool  // nothing waits for more
	running bool  // Resume was called
	stopped bool  // the goroutine has ended: nothing is written any more
}

func newTransactor(p *Producer, opts *Transactions) *transactor {
	const half = 2 // one half of the memory is written while the other is filled
	return &transactor{p: p, Transactions: opts, wake: notify.NewSignal(), Groups: group.New[*partition](int(p.opts.Memory / half))}
}

// Fence ends every other producer of the transactional id. After it each transaction of
// the id is decided.
func (p *Producer) Fence(ctx context.Context) error { return p.tx.Client.Begin(ctx) }

// Resume begins to write, after Fence. The newest position in Kafka has this value, and
// says that the events up to at are there, and that none is missing up to complete.
func (p *Producer) Resume(value []byte, at record.Position, complete pgoutput.LSN) {
	t := p.tx
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.running {
		return
	}
	t.running = true
	t.Resume(at, complete)
	t.Writer.Resume(value)
	p.started.Go(t.run)
}

// Complete says that every event up to lsn was added. The slot may be confirmed up to
// there once that is Written.
func (p *Producer) Complete(lsn pgoutput.LSN) {
	p.mu.Lock()
	due := p.tx.Boundary(lsn)
	p.mu.Unlock()
	if due {
		p.tx.wake.Notify()
	}
}

// Written returns the LSN up to which, as Kafka has it, no event is missing.
func (p *Producer) Written() pgoutput.LSN {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tx.Written()
}

// Rewind says that a new timeline begins at point.
func (p *Producer) Rewind(point pgoutput.LSN) { p.hasten(func(t *transactor) { t.Rewind(point) }) }

// Flush writes what is there without waiting for more, from now on.
func (p *Producer) Flush() { p.hasten(func(t *transactor) { t.flush = true }) }

// Probe writes a position even if it says nothing new: who was fenced learns of it.
func (p *Producer) Probe() { p.hasten((*transactor).Refresh) }

func (p *Producer) hasten(change func(*transactor)) {
	if p.tx != nil {
		p.mu.Lock()
		change(p.tx)
		p.mu.Unlock()
		p.tx.wake.Notify()
	}
}

// idle reports whether nothing is left that can be written.
func (t *transactor) idle() bool {
	return t.stopped || !t.running || t.Empty()
}

func (t *transactor) run() {
	defer t.p.opts.Progress()
	defer t.Client.Close()
	for failed := 0; ; {
		g := t.awaitGroup()
		if g == nil {
			return
		}
		committed, err := t.Write(t.p.ctx, work{t, g})
		switch {
		case t.p.ctx.Err() != nil:
			return
		case err != nil:
			t.stop(err)
			return
		case committed:
			t.committed(g)
			failed = 0
		default:
			failed++
			_ = backoff.Sleep(t.p.ctx, retryPause(failed)) // awaitGroup sees that ctx has ended
		}
	}
}

// awaitGroup returns the group to write, or nil at the end.
func (t *transactor) awaitGroup() *group.Group[*partition] {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t.p.mu.Lock()
		wait := t.Due(time.Now(), t.flush)
		if wait == 0 && t.Next() == nil {
			t.closeGroup()
		}
		g := t.Next()
		t.cut(g)
		ready, stopped := g != nil && g.Ready(time.Now()), t.stopped
		t.p.mu.Unlock()
		if stopped {
			return nil
		} else if ready {
			return g
		} else if g != nil {
			wait = minBackoff
		}
		timer.Reset(wait)
		select {
		case <-t.p.ctx.Done():
			return nil
		case <-t.wake:
		case <-timer.C:
		}
	}
}

// add queues the record of an event in the group that is filled, and closes that when it
// is full.
func (t *transactor) add(rec *record.Record, m batch.Meta) {
	first := t.Enter(&m)
	t.p.add(rec, m)
	full := t.Grow(batch.WireSize(rec)) || t.p.Full()
	if full {
		t.closeGroup()
	}
	if first || full {
		t.wake.Notify()
	}
}

// closeGroup ends the group that is filled, and adds its position: its transaction may
// begin.
func (t *transactor) closeGroup() {
	t.addPosition(t.Close(t.p.lastEvent))
}

func (t *transactor) addPosition(g *group.Group[*partition]) {
	rec := t.Position(g.At, g.Complete)
	g.Value, g.Topic = rec.Value, rec.Topic
	t.p.add(rec, batch.Meta{Event: g.Last, Position: g.At, Partition: rec.Partition, Cause: batch.NoCause, Group: g.Number})
}

// cut leaves of the oldest group, once a record of it waits for an operator, what comes
// before that record: it is written, and nothing after it.
func (t *transactor) cut(g *group.Group[*partition]) {
	if g == nil || t.p.halted == nil || !g.Halted() {
		return
	}
	if t.stopped = !g.Cut(&t.p.memory); !t.stopped {
		t.addPosition(g)
	}
}

// answered takes an answer to a batch, and reports whether nothing else is to be done
// about it: it concerns the transaction.
func (t *transactor) answered(a answer.Answer) bool {
	state := transaction.IsState(a.Code) || a.Code == sarama.ErrTransactionalIDAuthorizationFailed
	switch {
	case a.Class == answer.Accepted:
		return false
	case a.Class == answer.UnknownOutcome:
		t.doubt = true
	case state, a.Class == answer.Denied:
		t.trouble = transaction.State(a.Code)
		t.wake.Notify()
	}
	return state
}

// committed lets go of a group that Kafka has.
func (t *transactor) committed(g *group.Group[*partition]) {
	p := t.p
	p.mu.Lock()
	for _, h := range g.Held {
		if h.Queue.topic.name != g.Topic {
			p.published(h.Queue.topic, h.Batch)
		}
		p.forget(h.Batch)
	}
	t.Committed(g)
	p.active, t.trouble, t.doubt, t.stopped = 0, nil, false, g.IsCut
	p.watermark.Store(g.Last + 1)
	p.mu.Unlock()
	p.opts.Observer.Transaction(true)
	p.opts.Progress()
}

// stop halts the producer: nothing is written any more.
func (t *transactor) stop(err error) {
	h := &Halt{Reason: "transaction", Text: err.Error(), Hint: "see the log"}
	if refused, ok := errors.AsType[*transaction.RefusedError](err); ok {
		h.Hint = refused.Hint
	}
	if e, ok := errors.AsType[*transaction.FencedError](err); ok {
		h.Reason, h.Fenced = "fenced", e
		const worth = 20 * time.Second // to know whether another has taken over
		ctx, cancel := context.WithTimeout(t.p.ctx, worth)
		h.Newest = t.Successor(ctx)
		cancel()
	}
	if errors.Is(err, transaction.ErrForeignPosition) {
		h.Hint = "end what else writes positions with this transactional id"
	}
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.stopped = true
	t.p.halt(h)
}

// join notes that a queue has a batch of a group.
func (t *transactor) join(pt *partition, number uint64) {
	t.Of(number).Join(pt, pt.group >= number)
	pt.group = max(pt.group, number)
}

// hold takes the head off the queue, but keeps it: its transaction may be aborted.
func (t *transactor) hold(pt *partition) {
	b := pt.takeHead()
	t.Of(b.Group).Hold(pt, b)
}

// work is a group as transaction.Writer sees it.
type work struct {
	*transactor

	g *group.Group[*partition]
}

var _ transaction.Work = work{}

// Look is part of transaction.Work.
func (w work) Look() (add []transaction.Partition, finished, doubt bool, err error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	doubt, w.doubt = w.doubt, false
	switch {
	case w.trouble != nil:
		return nil, false, doubt, w.trouble
	case w.p.halted != nil && w.g.Halted():
		return nil, false, doubt, transaction.ErrHalting
	case w.g.Finished():
		return nil, true, doubt, nil
	}
	for _, pt := range w.g.Queues {
		if pt.Has(w.g.Number) && pt.link != nil && pt.blocked == notBlocked && pt.added != w.g.Number {
			add = append(add, transaction.Partition{Topic: pt.topic.name, ID: pt.index})
		}
	}
	return add, false, doubt, nil
}

// Added is part of transaction.Work.
func (w work) Added(added []transaction.Partition, id int64, epoch int16) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.p.active = w.g.Number
	w.each(slices.Values(added), func(pt *partition) {
		if pt.pid != id || pt.epoch != epoch {
			pt.pid, pt.epoch, pt.seq = id, epoch, 0
		}
		pt.added = w.g.Number
		w.p.schedule(pt)
	})
}

// each calls do for the queues of partitions.
func (w work) each(partitions iter.Seq[transaction.Partition], do func(*partition)) {
	for x := range partitions {
		if t := w.p.topics[x.Topic]; t != nil && x.ID < int32(len(t.partitions)) {
			do(t.partitions[x.ID])
		}
	}
}

// Refused is part of transaction.Work.
func (w work) Refused(refused map[transaction.Partition]sarama.KError) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.each(maps.Keys(refused), func(pt *partition) {
		if pt.head != nil {
			code := refused[transaction.Partition{Topic: pt.topic.name, ID: pt.index}]
			w.p.answer(pt, answer.Of(&sarama.ProduceResponseBlock{Err: code}))
		}
	})
	w.trouble = nil
}

// Settle is part of transaction.Work.
func (w work) Settle(ctx context.Context) error {
	for {
		w.p.mu.Lock()
		w.p.active = 0
		for _, pt := range w.g.Queues {
			w.p.unlist(pt)
		}
		busy := slices.ContainsFunc(w.g.Queues, func(pt *partition) bool { return pt.busy })
		w.p.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.wake:
		}
	}
}

// PutBack is part of transaction.Work.
func (w work) PutBack() {
	w.p.mu.Lock()
	for _, h := range slices.Backward(w.g.Held) {
		h.Queue.pushFront(h.Batch)
	}
	for _, pt := range w.g.Queues {
		pt.added = 0
	}
	w.g.Release()
	w.trouble, w.doubt = nil, false
	w.p.mu.Unlock()
	w.p.opts.Observer.Transaction(false)
}

func (w work) Position() []byte         { return w.g.Value }
func (w work) Changed() <-chan struct{} { return w.wake }
