package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
)

// partition handles the dead letters of one partition, and returns the offset below which
// all are handled.
func (c *call) partition(ctx context.Context, id int32) (removable int64, err error) {
	p := c.at(c.Topic, id)
	_, first, end, err := p.Offsets(ctx, time.Time{})
	if err != nil {
		return 0, err
	}
	before, err := marks(ctx, p, first, end)
	if err != nil {
		return 0, fmt.Errorf("partition %d: %w", id, access.WithOperation(err, "Read"))
	}
	all := true
	err = p.Range(ctx, first, end, func(rec read.Record) error {
		handled, err := c.record(ctx, messageOf(p, rec), before[rec.Offset])
		if all = all && handled; all && err == nil {
			removable = rec.Offset + 1
		}
		return err
	})
	if failed, ok := errors.AsType[*read.FuncError](err); ok {
		return removable, failed.Err
	}
	if err != nil {
		err = fmt.Errorf("partition %d: %w", id, access.WithOperation(err, "Read"))
	}
	return removable, err
}

// at returns a partition to read from.
func (c *call) at(topic string, id int32) read.Partition {
	return read.Partition{Client: c.reader, Topic: topic, ID: id, Committed: true, MaxWait: c.reader.Config().Consumer.MaxWaitTime}
}

// marks returns what was handled before, by offset. A mark stands behind its dead letter.
func marks(ctx context.Context, p read.Partition, first, end int64) (map[int64]mark, error) {
	before := map[int64]mark{}
	err := p.Range(ctx, first, end, func(rec read.Record) error {
		if at, mark, ok := markOf(messageOf(p, rec)); ok && at < rec.Offset {
			before[at] = mark
		}
		return nil
	})
	return before, err
}

// messageOf returns a record in the form that a consumer of sarama's gives.
func messageOf(p read.Partition, rec read.Record) *sarama.ConsumerMessage {
	return &sarama.ConsumerMessage{
		Topic: p.Topic, Partition: p.ID, Offset: rec.Offset, Timestamp: rec.Time, Key: rec.Key, Value: rec.Value, Headers: rec.Headers,
	}
}

// record handles one, and reports whether it is handled now, or was before.
func (c *call) record(ctx context.Context, m *sarama.ConsumerMessage, before mark) (handled bool, err error) {
	if _, _, ok := markOf(m); ok {
		return true, nil
	}
	r, ok := recordOf(m, &c.Config)
	if !ok {
		c.result.Foreign++
		return false, nil
	}
	c.result.Read++
	r.Handled, r.HandledAt = before.how, before.at
	handled = r.Handled != ""
	if handled && !c.Handled || c.Match != nil && !c.Match(&r) {
		return handled, nil
	}
	c.result.Matched++
	if c.how == Redriven {
		if err := c.mayGoBack(ctx, &r); err != nil {
			return handled, err
		}
	}
	if r.Stays != nil {
		return handled, c.stays(&r)
	}
	if c.Each != nil {
		if err := c.Each(&r); err != nil {
			return handled, err
		}
	}
	if c.DryRun {
		return handled, nil
	}
	return c.settle(&r, handled)
}

// settle puts a dead letter back, where that is wanted, and marks it. It reports whether
// it is handled now, or was before.
func (c *call) settle(r *Record, before bool) (handled bool, err error) {
	if c.how == Redriven {
		if err := c.putBack(r); err != nil {
			return before, err
		}
		if r.Stays != nil {
			return before, c.stays(r)
		}
		c.result.Sent[r.Event.Topic]++
	}
	if err := c.writer.Send(r.mark(c.how)); err != nil {
		err = access.WithOperation(err, "Write")
		return before, fmt.Errorf("mark as %s (partition %d, offset %d): %w", c.how, r.Partition, r.Offset, err)
	}
	c.result.Marked++
	return true, nil
}
