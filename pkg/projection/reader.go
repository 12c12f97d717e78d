package projection

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/access"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// reader applies one partition.
type reader struct {
	feed   *feed
	source source
	mark   mark // owned by run
	target int64
	began  mark

	next     atomic.Int64 // mark.next, for others
	end      atomic.Int64 // what is known of the partition's end
	idle     atomic.Int64 // since when nothing has come, Unix nanoseconds; 0: records are in hand
	progress atomic.Int64
	waiting  atomic.Int64 // records in hand
	failure  atomic.Pointer[failure]
}

// failure is what a partition fails with.
type failure struct {
	since time.Time
	err   error
}

func newReader(f *feed, s source, m mark, end int64) *reader {
	r := &reader{feed: f, source: s, mark: m, target: end, began: m}
	r.next.Store(m.next)
	r.end.Store(end)
	r.progress.Store(time.Now().UnixNano())
	return r
}

// errSeek means that the position is elsewhere now, and known: read from there.
var errSeek = errors.New("projection: the tables were replaced")

// run applies records until ctx ends: nil, or something is wrong for good.
func (r *reader) run(ctx context.Context) error {
	for {
		err := r.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // asked to stop: what was under way comes again
		case err == nil, errors.Is(err, errSeek):
			continue
		case passes(err):
			const attempts = 3
			if !r.feed.projection.again(ctx, attempts, inbox.Observation{Kind: inbox.KindKafkaFailed, Rebuild: r.feed.shadow, Err: err}) {
				return nil
			}
		default:
			return r.feed.explained(ctx, err)
		}
	}
}

// follow reads from the mark on.
func (r *reader) follow(ctx context.Context) error {
	stream, err := r.feed.consumer.ConsumePartition(r.source.topic, r.source.partition, r.mark.next)
	if err != nil {
		return r.place(err)
	}
	defer func() { _ = stream.Close() }() // Close reads what is left
	r.idle.Store(time.Now().UnixNano())
	tick := time.NewTicker(idleTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-stream.Errors():
			if out := r.place(err); !passes(out) {
				return out
			}
			if read.IsTooLong(err) {
				return fmt.Errorf("%w: %v from offset %d on, or another partition of the same broker, has a batch of more than %d MiB: "+
					"raise sarama.MaxResponseSize, or set next_offset in %s behind the batch: %w",
					ErrInflated, r.source, r.mark.next, sarama.MaxResponseSize>>20, r.feed.positions.table, err)
			}
			if errors.Is(err, sarama.ErrDecompressedBatchTooLarge) {
				if err := r.inflated(ctx); err != nil {
					return err
				}
			}
			r.feed.observe(inbox.Observation{Kind: inbox.KindKafkaFailed, Class: inbox.ClassUnavailable, Err: r.place(err)})
		case <-tick.C:
			r.end.Store(max(r.end.Load(), stream.HighWaterMarkOffset()))
		case m, ok := <-stream.Messages():
			if !ok {
				return r.ended(stream)
			}
			r.idle.Store(0)
			r.end.Store(max(r.end.Load(), stream.HighWaterMarkOffset()))
			if err := r.applyAll(ctx, r.batch(m, stream)); err != nil || ctx.Err() != nil {
				return err
			}
			r.idle.Store(time.Now().UnixNano())
		}
	}
}

// ended says why sarama has ended a stream by itself.
func (r *reader) ended(stream sarama.PartitionConsumer) error {
	for err := range stream.Errors() {
		if out := r.place(err); !passes(out) {
			return out
		}
	}
	return r.place(errors.New("the stream of records ended"))
}

const idleTick = 100 * time.Millisecond

// place adds the place, and names an offset out of range.
func (r *reader) place(err error) error {
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return fmt.Errorf("%w: %v, offset %d: rebuild the projection, or set the position in %s",
			ErrOutOfRange, r.source, r.mark.next, r.feed.positions.table)
	}
	return fmt.Errorf("projection: %v: %w", r.source, access.WithOperation(err, "Read"))
}

// batch is a record and those behind it that wait already.
func (r *reader) batch(first *sarama.ConsumerMessage, stream sarama.PartitionConsumer) []*sarama.ConsumerMessage {
	records := []*sarama.ConsumerMessage{first}
	for len(records) < r.feed.projection.config.Batch {
		select {
		case m := <-stream.Messages():
			if m == nil {
				return records
			}
			records = append(records, m)
		default:
			return records
		}
	}
	return records
}

// applyAll applies records, and counts them as waiting meanwhile. The time without records
// is no time without progress.
func (r *reader) applyAll(ctx context.Context, records []*sarama.ConsumerMessage) error {
	r.progress.Store(time.Now().UnixNano())
	r.waiting.Store(int64(len(records)))
	defer r.waiting.Store(0)
	return r.apply(ctx, records)
}

// apply brings records into the tables. A batch that fails is applied one by one, so
// that all before the record at fault are in.
func (r *reader) apply(ctx context.Context, records []*sarama.ConsumerMessage) error {
	if len(records) > 1 {
		return r.applyBatch(ctx, records)
	}
	for attempts := 1; ; attempts++ {
		err := r.transaction(ctx, records)
		if err == nil || !passes(err) || errors.Is(err, errSeek) {
			return err
		}
		if !r.retry(ctx, records[0], attempts, err) {
			return nil
		}
	}
}

// retry notes a failure, waits, and reports whether to try again.
func (r *reader) retry(ctx context.Context, m *sarama.ConsumerMessage, attempts int, err error) bool {
	f := &failure{time.Now(), err}
	if before := r.failure.Load(); before != nil {
		f.since = before.since
	}
	r.failure.Store(f)
	return r.feed.projection.again(ctx, attempts, inbox.Observation{
		Kind: inbox.KindRetrying, Rebuild: r.feed.shadow, Event: r.feed.eventOf(m).observed(attempts), Err: err,
	})
}

func (r *reader) applyBatch(ctx context.Context, records []*sarama.ConsumerMessage) error {
	err := r.transaction(ctx, records)
	if err == nil || errors.Is(err, errSeek) {
		return err
	}
	landed, unknown := r.landed(ctx, records[len(records)-1].Offset+1)
	if landed {
		r.feed.processed(records, 0)
	}
	if unknown != nil || landed {
		return unknown
	}
	for _, m := range records {
		if err := r.apply(ctx, []*sarama.ConsumerMessage{m}); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// transaction moves the mark and applies the records behind it, all or none.
func (r *reader) transaction(ctx context.Context, records []*sarama.ConsumerMessage) error {
	p := r.feed.projection
	to := records[len(records)-1].Offset + 1
	claimed, began := false, time.Now()
	err := p.transact(ctx, func(ctx context.Context, tx transaction) (err error) {
		if claimed, err = r.feed.positions.move(ctx, tx, r.source, r.mark, to, p.idle()); err != nil || !claimed {
			return err
		}
		for _, m := range records {
			e := r.feed.eventOf(m)
			if err := tx.handle(ctx, e); err != nil {
				return fmt.Errorf("projection: %v: %w", e, &handlerError{err})
			}
		}
		if err := r.feed.onlyNew(ctx, tx); err != nil {
			return fmt.Errorf("projection: %v, offset %d: %w", r.source, to-1, err)
		}
		return nil
	})
	if err == nil && !claimed {
		err = r.moved(ctx, to)
	} else if err == nil {
		r.done(r.mark.at(to))
	}
	if err == nil {
		r.feed.processed(records, time.Since(began))
	}
	return err
}

func (r *reader) done(m mark) {
	r.mark = m
	r.next.Store(m.next)
	r.end.Store(max(r.end.Load(), m.next))
	r.progress.Store(time.Now().UnixNano())
	r.failure.Store(nil)
}

// moved finds out why the mark is not where it should be.
func (r *reader) moved(ctx context.Context, to int64) error {
	is, ok, err := r.stored(ctx)
	if err != nil {
		return err
	}
	switch {
	case ok && is.generation > r.mark.generation: // a rebuild has taken the place
		r.done(is)
		return errSeek
	case ok && is == r.mark.at(to): // our own commit, whose answer was lost
		r.done(is)
		return nil
	default:
		return fmt.Errorf("%w: %v: it was %d and is %d", ErrMoved, r.source, r.mark.next, is.next)
	}
}

// landed says that a commit has arrived whose answer was lost.
func (r *reader) landed(ctx context.Context, to int64) (yes bool, err error) {
	err = r.feed.patiently(ctx, inbox.KindRetrying, "read the position", func() error {
		is, ok, err := r.stored(ctx)
		if yes = ok && is == r.mark.at(to); yes {
			r.done(is)
		}
		return err
	})
	return yes, err
}

// stored is the mark in the table.
func (r *reader) stored(ctx context.Context) (is mark, ok bool, err error) {
	err = r.feed.projection.transact(ctx, func(ctx context.Context, tx transaction) error {
		marks, err := r.feed.positions.load(ctx, tx, false)
		is, ok = marks[r.source]
		return err
	})
	return is, ok, err
}
