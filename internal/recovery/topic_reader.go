package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/reading"
)

// topicReader reads a topic from a time to its end of that moment. It fetches by
// itself: sarama's consumer does not tell when a partition ends in a record that
// it hides.
type topicReader struct {
	client    sarama.Client
	topic     string
	from      time.Time // zero: from the beginning
	shortened bool      // the first records of a partition are gone
	// strict: records that are gone while it reads are an error, and records of
	// transactions that were aborted, or are still open at the end, are left out.
	strict bool
}

// place is where a record is.
type place struct {
	partition int32
	offset    int64
}

// recordFunc hears of one record. Its slices are valid as long as it keeps them.
type recordFunc func(place, *sarama.Record, time.Time) error

func (r *topicReader) read(ctx context.Context, record recordFunc) error {
	if err := r.client.RefreshMetadata(r.topic); err != nil {
		return err
	}
	partitions, err := r.client.Partitions(r.topic)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if err := r.partition(ctx, p, record); err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
	}
	return nil
}

func (r *topicReader) partition(ctx context.Context, p int32, record recordFunc) error {
	end, err := r.client.GetOffset(r.topic, p, sarama.OffsetNewest)
	if err != nil {
		return err
	}
	offset, err := r.begin(p, end)
	if err != nil {
		return err
	}
	return r.span(ctx, p, offset, end, record)
}

// span reads the offsets from the first up to, but not with, the second.
func (r *topicReader) span(ctx context.Context, p int32, offset, end int64, record recordFunc) error {
	for tries := 0; offset < end; {
		next, err := r.fetch(ctx, p, offset, end, record)
		switch {
		case err == nil && next > offset:
			offset, tries = next, 0
			continue
		case r.strict && errors.Is(err, sarama.ErrOffsetOutOfRange):
			return fmt.Errorf("the records from offset %d on are gone: retention was faster", offset)
		case isRefused(err):
			return err
		case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
			return fmt.Errorf("the records at offset %d cannot be read: they are one compressed batch of more than %d MiB", offset, kafka.MaxBatch>>20)
		case errors.Is(err, sarama.ErrOffsetOutOfRange): // retention has gone on
			r.shortened = true
			if offset, err = r.client.GetOffset(r.topic, p, sarama.OffsetOldest); err != nil {
				return err
			}
			continue
		case tries == 10:
			return errors.Join(err, fmt.Errorf("no record after offset %d of %d", offset, end))
		}
		tries++
		if err := pause(ctx, settleEvery); err != nil {
			return err
		}
		if err := r.client.RefreshMetadata(r.topic); err != nil && tries == 10 {
			return err
		}
	}
	return nil
}

// begin is the offset to read from. Every record of the time from or later lies
// at it or behind it.
func (r *topicReader) begin(p int32, end int64) (int64, error) {
	oldest, err := r.client.GetOffset(r.topic, p, sarama.OffsetOldest)
	if err != nil || r.from.IsZero() {
		r.shortened = r.shortened || oldest > 0
		return oldest, err
	}
	at, err := r.client.GetOffset(r.topic, p, r.from.UnixMilli())
	if err != nil {
		return 0, err
	}
	if at < 0 { // nothing so late
		return end, nil
	}
	r.shortened = r.shortened || (oldest > 0 && at == oldest)
	return at, nil
}

// fetchBytes is what one answer may hold; one batch that is larger comes alone.
const fetchBytes = 4 << 20

// fetch hands on the records of one answer and gives the offset behind them.
func (r *topicReader) fetch(ctx context.Context, p int32, offset, end int64, record recordFunc) (int64, error) {
	if ctx.Err() != nil {
		return offset, context.Cause(ctx)
	}
	broker, err := r.client.Leader(r.topic, p)
	if err != nil {
		return offset, err
	}
	req := &sarama.FetchRequest{Version: 11, MaxWaitTime: 500, MinBytes: 1, MaxBytes: fetchBytes, SessionEpoch: -1}
	if r.strict {
		req.Isolation = sarama.ReadCommitted
	}
	req.AddBlock(r.topic, p, offset, fetchBytes, -1)
	res, err := broker.Fetch(req)
	if err != nil {
		return offset, err
	}
	block := res.GetBlock(r.topic, p)
	switch {
	case block == nil:
		return offset, errors.New("the broker answered without the partition")
	case !errors.Is(block.Err, sarama.ErrNoError):
		return offset, block.Err
	}
	hidden := reading.NewAborted(block)
	if r.strict && len(block.RecordsSet) == 0 && block.LastStableOffset <= offset {
		return end, nil // the rest belongs to a transaction that is open
	}
	for _, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil {
			return offset, errors.New("records in the format of before Kafka 0.11, without headers")
		}
		if b.PartialTrailingRecord && len(b.Records) == 0 {
			continue
		}
		if hidden.Hides(b) {
			offset = max(offset, b.LastOffset()+1)
			continue
		}
		for _, rec := range b.Records {
			at := b.FirstOffset + rec.OffsetDelta
			if at < offset || at >= end {
				continue
			}
			if err := record(place{p, at}, rec, timeOf(b, rec)); err != nil {
				return offset, &refusedError{err}
			}
		}
		offset = max(offset, b.LastOffset()+1)
	}
	return offset, nil
}

// refusedError is an error of whom the records are handed to: reading again does
// not help.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

func isRefused(err error) bool {
	_, ok := errors.AsType[*refusedError](err)
	return ok
}

func timeOf(b *sarama.RecordBatch, rec *sarama.Record) time.Time {
	if b.LogAppendTime {
		return b.MaxTimestamp
	}
	return b.FirstTimestamp.Add(rec.TimestampDelta)
}
