package projection

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// inflated looks for the batch that is too large when it is decompressed. sarama reads
// several partitions of a broker in one request, and does not say which of them has it.
// If it is this one, inflated applies the records before the batch, and returns its place.
func (r *reader) inflated(ctx context.Context) error {
	p := read.Partition{Client: r.feed.client, Topic: r.source.topic, ID: r.source.partition, Committed: true}
	p.MaxBytes = r.feed.client.Config().Consumer.Fetch.Default
	_, err := p.Next(ctx, r.mark.next, math.MaxInt64, func(read.Record) error { return nil })
	p.MaxBytes = 1 // a batch at a time: the first comes whole
	for next := r.mark.next; errors.Is(err, sarama.ErrDecompressedBatchTooLarge); {
		var records []*sarama.ConsumerMessage
		beyond, failed := p.Next(ctx, next, math.MaxInt64, func(record read.Record) error {
			records = append(records, r.message(record))
			return nil
		})
		switch {
		case errors.Is(failed, sarama.ErrDecompressedBatchTooLarge):
			return fmt.Errorf("%w: %v: %w: raise sarama.MaxDecompressedBatchSize, or set next_offset in %s behind the batch",
				ErrInflated, r.source, &read.InflatedError{Offset: next}, r.feed.positions.table)
		case failed != nil || beyond == next:
			return errSeek // it may be there no more
		case len(records) > 0:
			if err := r.applyAll(ctx, records); err != nil || ctx.Err() != nil {
				return err
			}
		}
		next = beyond
	}
	return nil
}

// ErrInflated means that a batch is too large: more than sarama.MaxDecompressedBatchSize
// when it is decompressed, which is 128 MiB unless the program sets it, or more than
// sarama.MaxResponseSize as it is.
var ErrInflated = errors.New("projection: a batch is too large")

// message returns a record as sarama's consumer returns it.
func (r *reader) message(record read.Record) *sarama.ConsumerMessage {
	return &sarama.ConsumerMessage{
		Topic: r.source.topic, Partition: r.source.partition, Offset: record.Offset, Timestamp: record.Time,
		Key: record.Key, Value: record.Value, Headers: record.Headers,
	}
}
