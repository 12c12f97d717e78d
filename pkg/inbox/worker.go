package inbox

import (
	"context"
	"errors"
	"time"

	"github.com/walpost/walpost/pkg/inbox/internal/backoff"
	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
)

// runWorker processes the records of a queue in order until the session ends.
func (p *partition) runWorker(ctx context.Context, queue <-chan record) {
	for {
		batch := take(ctx, queue, p.consumer.config.Batch)
		if len(batch) == 0 {
			return
		}
		if len(batch) > 1 && !p.isRetry && p.processBatch(ctx, batch) {
			continue
		}
		for _, r := range batch {
			if ctx.Err() != nil || !p.processOne(ctx, r) {
				return
			}
		}
	}
}

// take waits for a record and adds those that wait already, up to limit. It returns none
// if the session has ended.
func take(ctx context.Context, queue <-chan record, limit int) (batch []record) {
	select {
	case <-ctx.Done():
		return nil
	case r, ok := <-queue:
		if !ok || ctx.Err() != nil {
			return nil
		}
		batch = append(batch, r)
	}
	for len(batch) < limit {
		select {
		case r, ok := <-queue:
			if !ok {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// processBatch tries the records in one transaction, and reports whether they are done.
// If not, processing them one by one shows why.
func (p *partition) processBatch(ctx context.Context, batch []record) bool {
	c := p.consumer
	events := make([]*Event, len(batch))
	for i, r := range batch {
		e, err := c.config.eventOf(r.message)
		if err != nil {
			return false
		}
		e.Attempt = 1
		events[i] = e
	}
	a := newTry(ctx, c.config.AttemptTimeout)
	defer a.Close()
	start := time.Now()
	if err := c.unit.many(a, events); err != nil {
		return false
	}
	took := time.Since(start) / time.Duration(len(batch))
	p.failure.Store(nil)
	for i, r := range batch {
		c.observe(Observation{Kind: KindProcessed, Event: events[i], Took: took})
		p.finish(r)
	}
	return true
}

// processOne processes a record until it is done, and reports whether it is. It is not if
// the session ends or the consumer stops.
func (p *partition) processOne(ctx context.Context, r record) bool {
	c := p.consumer
	e, err := c.config.eventOf(r.message)
	if r.foreign {
		err = ErrNotParked
	}
	t := &task{partition: p, event: e, record: r, began: time.Now()}
	if err != nil {
		t.class, t.err = ClassPermanent, err
	} else if r.parked != nil && !t.resume(ctx) || !t.run(ctx) {
		return false
	}
	for t.mustPark() {
		there, ok := t.park(ctx)
		if there {
			return p.settled(r)
		}
		if !ok || !t.run(ctx) {
			return false
		}
	}
	if t.err != nil && !t.reject(ctx) {
		return false
	}
	return p.settled(r)
}

func (p *partition) settled(r record) bool {
	p.failure.Store(nil)
	p.finish(r)
	return true
}

// task is one record that is being processed, with what its attempts came to.
type task struct {
	partition *partition
	record    record
	event     *Event
	began     time.Time
	counted   int  // attempts that count against Retry.Attempts
	behind    bool // its key is parked, so it is too
	inPlace   bool // it is too large for the retry topic
	class     Class
	err       error // of the last attempt
}

// run tries until the event is processed, parked behind another, or to be parked or
// rejected, and reports whether it is. err is set if the event is to be parked for its
// own failure or rejected.
func (t *task) run(ctx context.Context) bool {
	c := t.partition.consumer
	for {
		t.event.Attempt++
		if t.try(ctx); t.err == nil {
			return true
		}
		if t.class == ClassTransient {
			t.counted++
		}
		switch {
		case t.class == ClassFatal:
			return c.stop(t.event, t.class, t.err)
		case t.class == ClassPermanent, t.exhausted(), t.mustPark():
			return true
		}
		if !t.partition.retry(ctx, Observation{Event: t.event, Err: t.err, Class: t.class}, t.event.Attempt) {
			return false
		}
	}
}

// exhausted reports whether the record has been tried as often as it may be.
func (t *task) exhausted() bool {
	limit := t.partition.consumer.config.Retry.Attempts
	return t.class == ClassTransient && limit > 0 && t.counted >= limit
}

// try makes one attempt.
func (t *task) try(ctx context.Context) {
	c := t.partition.consumer
	a := newTry(ctx, c.config.AttemptTimeout)
	defer a.Close()
	start := time.Now()
	kind, err := c.unit.one(a, t.event)
	if t.err = err; err != nil {
		t.class, t.err = c.classOfAttempt(err)
		return
	}
	if t.behind = kind == KindParked; t.behind {
		return
	}
	c.observe(Observation{Kind: kind, Event: t.event, Took: time.Since(start)})
}

const untranslatable = "SQLSTATE 22P05" // a character that the encoding of the database has not

// classOfAttempt returns the class of an attempt's error. No record is to blame for what
// fails before the handler is called, but for an id that the database cannot hold. The error
// is another one if Config.Classify panics.
func (c *Consumer) classOfAttempt(err error) (Class, error) {
	var own *storeError
	switch {
	case !errors.As(err, &own):
		return c.config.classOf(err)
	case errtext.Class(own.err) == untranslatable:
		return ClassPermanent, err
	case Classify(own.err) == ClassFatal:
		return ClassFatal, err
	}
	return ClassUnavailable, err
}

// retry observes a failure, waits, and reports whether the session goes on. Meanwhile
// sarama sends heartbeats.
func (p *partition) retry(ctx context.Context, o Observation, attempts int) bool {
	if ctx.Err() != nil {
		return false
	}
	o.Kind, o.Wait = KindRetrying, p.consumer.config.Retry.wait(attempts)
	p.failure.Store(&failure{since: p.failing(), err: o.Err})
	p.consumer.observe(o)
	return backoff.Sleep(ctx, o.Wait) == nil
}
