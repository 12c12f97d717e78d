package read

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
)

// Partition is a partition to read from. The zero value of each field but Client and
// Topic is usable.
type Partition struct {
	Client sarama.Client
	Topic  string
	ID     int32

	// Committed leaves out records of transactions that were aborted, or are still open.
	Committed bool
	// MaxBytes is what one answer may hold; one batch that is larger comes alone. 0: 4 MiB.
	MaxBytes int32
	// MaxWait is how long the broker may wait for a record; 0: half a second.
	MaxWait time.Duration
}

// Record is one record of a partition. Its slices stay valid for as long as it is kept.
type Record struct {
	*sarama.Record
	Offset int64
	Time   time.Time
}

// Func is called for each record, in the order of offsets.
type Func func(Record) error

// FuncError is an error of a Func: reading again does not help.
type FuncError struct{ Err error }

// Error returns the text of the Func's error.
func (e *FuncError) Error() string { return e.Err.Error() }

// Unwrap returns the Func's error.
func (e *FuncError) Unwrap() error { return e.Err }

// fetchVersion 11 is the last that sarama decodes with the names of topics.
const fetchVersion = 11

// Next calls do for the records of one answer of the broker, from an offset up to, but
// not with, end. It returns the offset to go on from, which is the same when nothing
// came. The last offsets may hold no record that anybody may see: the marker of a
// transaction, or an aborted one. Next passes them, where a consumer of sarama's waits.
func (p Partition) Next(ctx context.Context, from, end int64, do Func) (next int64, err error) {
	block, err := p.Fetch(ctx, from)
	if err != nil {
		return from, err
	}
	if p.Committed && len(block.RecordsSet) == 0 && block.LastStableOffset <= from {
		return end, nil // the rest belongs to a transaction that is open
	}
	filter := newAbortedFilter(block)
	for _, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil {
			return from, errors.New("records in the format of before Kafka 0.11, without headers")
		}
		if b.PartialTrailingRecord && len(b.Records) == 0 {
			continue
		}
		if !filter.skips(b) {
			if err := each(b, from, end, do); err != nil {
				return from, err
			}
		}
		from = max(from, b.LastOffset()+1)
	}
	return from, nil
}

// each calls do for the records of a batch that are in the range. A batch may begin
// before the offset that was asked for; compaction may have left no record in it.
func each(b *sarama.RecordBatch, from, end int64, do Func) error {
	for _, r := range b.Records {
		offset := b.FirstOffset + r.OffsetDelta
		if offset < from || offset >= end {
			continue
		}
		if err := do(Record{Record: r, Offset: offset, Time: timeOf(b, r)}); err != nil {
			return &FuncError{err}
		}
	}
	return nil
}

func timeOf(b *sarama.RecordBatch, r *sarama.Record) time.Time {
	if b.LogAppendTime {
		return b.MaxTimestamp
	}
	return b.FirstTimestamp.Add(r.TimestampDelta)
}

// Fetch sends one request to the partition's leader. When ctx ends, the request is left
// to its own timeout.
func (p Partition) Fetch(ctx context.Context, from int64) (*sarama.FetchResponseBlock, error) {
	const defaultBytes, defaultWait = 4 << 20, 500 * time.Millisecond
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	leader, err := p.Client.Leader(p.Topic, p.ID)
	if err != nil {
		return nil, err
	}
	size, wait := p.MaxBytes, p.MaxWait
	if size == 0 {
		size = defaultBytes
	}
	if wait == 0 {
		wait = defaultWait
	}
	req := &sarama.FetchRequest{
		Version: fetchVersion, MaxWaitTime: int32(wait.Milliseconds()), MinBytes: 1, MaxBytes: size,
		SessionEpoch: -1, // no fetch session
	}
	if p.Committed {
		req.Isolation = sarama.ReadCommitted
	}
	req.AddBlock(p.Topic, p.ID, from, size, -1)
	type answer struct {
		response *sarama.FetchResponse
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		response, err := leader.Fetch(req)
		answers <- answer{response, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case a := <-answers:
		if a.err != nil {
			return nil, a.err
		}
		return p.blockOf(a.response)
	}
}

func (p Partition) blockOf(response *sarama.FetchResponse) (*sarama.FetchResponseBlock, error) {
	block := response.GetBlock(p.Topic, p.ID)
	switch {
	case block == nil:
		return nil, errors.New("the broker answered without the partition")
	case block.Err != sarama.ErrNoError:
		return nil, block.Err
	}
	return block, nil
}

// GoneError is a range whose first records retention has deleted.
type GoneError struct{ Offset int64 }

// Error names the offset.
func (e *GoneError) Error() string {
	return fmt.Sprintf("the records from offset %d on are gone: retention was faster", e.Offset)
}

// Unwrap returns Kafka's code.
func (e *GoneError) Unwrap() error { return sarama.ErrOffsetOutOfRange }

// InflatedError is a batch that is more than sarama.MaxDecompressedBatchSize when it is
// decompressed. Offset is where reading it began.
type InflatedError struct{ Offset int64 }

// Error names the offset and the limit.
func (e *InflatedError) Error() string {
	return fmt.Sprintf("the records at offset %d cannot be read: they are one compressed batch of more than %d MiB",
		e.Offset, sarama.MaxDecompressedBatchSize>>20) //nolint:mnd // MiB
}

// Unwrap returns sarama's error.
func (e *InflatedError) Unwrap() error { return sarama.ErrDecompressedBatchTooLarge }

// oneBatch is a Partition.MaxBytes for which the broker answers with one batch.
const oneBatch = 1

// How often a request is sent again that failed or brought nothing, and the pause before.
const (
	maxRetries = 10
	retryEvery = 200 * time.Millisecond
)

// Range calls do for the records from an offset up to, but not with, end. Failures that
// may pass are waited for, for some seconds.
func (p Partition) Range(ctx context.Context, from, end int64, do Func) error {
	for retries := 0; from < end; {
		next, err := p.Next(ctx, from, end, do)
		if err == nil && next > from {
			from, retries = next, 0
			continue
		}
		if errors.Is(err, sarama.ErrDecompressedBatchTooLarge) && p.MaxBytes != oneBatch {
			p.MaxBytes = oneBatch // up to the batch that cannot be read
			continue
		}
		if out := p.final(err, from); out != nil {
			return out
		}
		if retries == maxRetries {
			return errors.Join(err, fmt.Errorf("no record after offset %d of %d", from, end))
		}
		retries++
		if err := backoff.Sleep(ctx, retryEvery); err != nil {
			return err
		}
		if err := p.Client.RefreshMetadata(p.Topic); err != nil && retries == maxRetries {
			return WithoutTopic(err, p.Topic)
		}
	}
	return nil
}

// final returns the error to end with, or nil when another request may help.
func (p Partition) final(err error, from int64) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sarama.ErrOffsetOutOfRange):
		return &GoneError{from}
	case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		return &InflatedError{from}
	}
	if failed, ok := errors.AsType[*FuncError](err); ok {
		return failed
	}
	return nil
}
