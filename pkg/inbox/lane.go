package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// runLane processes the records of a lane in order until the session ends.
func (p *partition) runLane(ctx context.Context, lane <-chan record) {
	for {
		batch := take(ctx, lane, p.consumer.config.Batch)
		if len(batch) == 0 {
			return
		}
		if len(batch) > 1 && !p.isRetry && p.together(ctx, batch) {
			continue
		}
		for _, r := range batch {
			if ctx.Err() != nil || !p.single(ctx, r) {
				return
			}
		}
	}
}

// take waits for a record and adds those that wait already. Nothing: the session has
// ended.
func take(ctx context.Context, lane <-chan record, most int) (batch []record) {
	select {
	case <-ctx.Done():
		return nil
	case r, ok := <-lane:
		if !ok || ctx.Err() != nil {
			return nil
		}
		batch = append(batch, r)
	}
	for len(batch) < most {
		select {
		case r, ok := <-lane:
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

// together tries the records in one transaction, and says whether they are done.
// Whatever the fault is, it shows again when they are tried one by one.
func (p *partition) together(ctx context.Context, batch []record) bool {
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
	attempt, cancel := c.attempt(ctx)
	defer cancel()
	start := time.Now()
	if err := c.unit.many(attempt, events); err != nil {
		return false
	}
	took := time.Since(start) / time.Duration(len(batch))
	p.failure.Store(nil)
	for i, r := range batch {
		c.observe(Observation{Kind: Processed, Event: events[i], Took: took})
		p.finish(r)
	}
	return true
}

// single processes a record until it is done, and says whether it is: not when the
// session has ended or the consumer stops.
func (p *partition) single(ctx context.Context, r record) bool {
	c := p.consumer
	e, err := c.config.eventOf(r.message)
	t := &trial{partition: p, event: e, record: r, began: time.Now()}
	if r.parked != nil && !t.resume(ctx) {
		return false
	}
	if err != nil {
		t.class, t.err = ClassPermanent, err
	} else if !t.run(ctx) {
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

// trial is one record with its attempts.
type trial struct {
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

// run tries until the event is processed, or is to be parked or rejected (err is set
// then, unless it is behind another), and says whether it is one of these.
func (t *trial) run(ctx context.Context) bool {
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
func (t *trial) exhausted() bool {
	most := t.partition.consumer.config.Retry.Attempts
	return t.class == ClassTransient && most > 0 && t.counted >= most
}

// try is one attempt.
func (t *trial) try(ctx context.Context) {
	c := t.partition.consumer
	attempt, cancel := c.attempt(ctx)
	defer cancel()
	start := time.Now()
	kind, err := c.unit.one(attempt, t.event)
	if t.err = err; err != nil {
		t.class = c.classOfAttempt(err)
		return
	}
	if t.behind = kind == Parked; t.behind {
		return
	}
	c.observe(Observation{Kind: kind, Event: t.event, Took: time.Since(start)})
}

// attempt is the context of one transaction. It outlives the session, so that what
// is in hand is finished, but not the time that a rebalance leaves for it.
func (c *Consumer) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), c.config.AttemptTimeout, errAttemptTimeout)
}

var errAttemptTimeout = fmt.Errorf("inbox: AttemptTimeout has passed: %w", context.DeadlineExceeded)

// classOfAttempt knows that no record is to blame for what fails before the handler
// is called.
func (c *Consumer) classOfAttempt(err error) Class {
	var own *storeError
	if !errors.As(err, &own) {
		return c.config.classOf(err)
	}
	if Classify(own.err) == ClassFatal {
		return ClassFatal
	}
	return ClassUnavailable
}

// retry tells of a failure, waits, and says whether the session goes on. Meanwhile
// sarama sends heartbeats.
func (p *partition) retry(ctx context.Context, o Observation, attempts int) bool {
	o.Kind, o.Wait = Retrying, p.consumer.config.Retry.Wait(attempts)
	p.failure.Store(&failure{since: p.failing(), err: o.Err})
	p.consumer.observe(o)
	return sleep(ctx, o.Wait)
}
