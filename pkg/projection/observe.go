package projection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/backoff"
	"github.com/walpost/walpost/pkg/projection/internal/errtext"
)

func (p *Projection) observe(o inbox.Observation) {
	o.Projection = p.config.Name
	if o.Err != nil {
		o.ErrorText = p.config.errorText(o.Err)
	}
	for _, observer := range p.config.Observers {
		err := guarded(fmt.Sprintf("projection: observer of %q", o.Kind), func() error {
			observer.Observe(o)
			return nil
		})
		if err != nil && o.Event != nil {
			err = fmt.Errorf("%w: %v", err, o.Event)
		}
		if err != nil {
			p.halt(errors.Join(err, o.Err))
		}
	}
}

// halting returns a context that halt ends.
func (p *Projection) halting(ctx context.Context) (running context.Context, end context.CancelFunc) {
	running, cancel := context.WithCancelCause(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halts[running] = cancel
	return running, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.halts, running)
		cancel(nil)
	}
}

// halt ends Run and Rebuild with an error.
func (p *Projection) halt(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cancel := range p.halts {
		cancel(err)
	}
}

func (f *feed) observe(o inbox.Observation) {
	o.Rebuild = f.shadow
	f.projection.observe(o)
}

// observed is an event as observers see it.
func (e *Event) observed(attempt int) *inbox.Event {
	return &inbox.Event{
		Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, ID: e.ID, Type: e.Type, Key: e.Key, Payload: e.Payload,
		Headers: e.Headers, Time: e.Time, Attempt: attempt,
	}
}

// processed tells of records whose transaction has been committed.
func (f *feed) processed(records []*sarama.ConsumerMessage, took time.Duration) {
	if len(f.projection.config.Observers) == 0 {
		return
	}
	for _, m := range records {
		f.observe(inbox.Observation{
			Kind: inbox.KindProcessed, Event: f.eventOf(m).observed(1), Took: took / time.Duration(len(records)),
		})
	}
}

// warnOfPool tells of a pool that has fewer connections than transactions are wanted at a
// time.
func (f *feed) warnOfPool(partitions int) {
	wanted := partitions
	if f.shadow {
		wanted++ // for the swap
	}
	if limit := f.projection.unit.maxConns(); limit > 0 && limit < wanted {
		f.observe(inbox.Observation{Kind: inbox.KindWarned, Err: fmt.Errorf("projection: the pool has %d connections, and %d are wanted "+
			"at a time for %d partitions: some wait for a connection", limit, wanted, partitions)})
	}
}

// handlerError is an error of the handler. Its text may quote data.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

// errorText returns what logs say of an error.
func (c *Config) errorText(err error) string {
	own, ok := errors.AsType[*handlerError](err)
	if c.ErrorText || !ok {
		return err.Error()
	}
	return strings.Replace(err.Error(), own.Error(), errtext.Summary(own.err), 1)
}

// stopped tells of the error that ends Run or Rebuild.
func (p *Projection) stopped(rebuild bool, err error) error {
	if err != nil {
		p.observe(inbox.Observation{Kind: inbox.KindStopped, Err: err, Class: classOf(err), Rebuild: rebuild})
	}
	return err
}

// classOf returns the class of an error, which is transient if no rule knows it.
func classOf(err error) inbox.Class {
	if class := inbox.Classify(err); class != inbox.Unclassified {
		return class
	}
	return inbox.ClassTransient
}

// again tells of a failure, waits, and reports whether to try again.
func (p *Projection) again(ctx context.Context, attempts int, o inbox.Observation) bool {
	const first, longest = 50 * time.Millisecond, 10 * time.Second
	o.Class = classOf(o.Err)
	o.Wait = backoff.Exponential{Min: first, Max: longest, Jitter: backoff.Below}.Pause(attempts)
	p.observe(o)
	return backoff.Sleep(ctx, o.Wait) == nil
}
