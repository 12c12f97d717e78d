package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/header"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox/internal/murmur2"
	"github.com/walpost/walpost/pkg/inbox/internal/topicname"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// mayGoBack sets Record.Stays, and reads the record of one that lacks a part of it.
func (c *call) mayGoBack(ctx context.Context, r *Record) error {
	fault := topicname.Fault(r.Event.Topic)
	switch {
	case !c.To(r.Event.Topic):
		r.Stays = ErrTopic
	case fault != "":
		r.Stays = fmt.Errorf("%w: its name %s", ErrRefused, fault)
	case r.Incomplete != "":
		return c.complete(ctx, r)
	}
	return nil
}

// complete reads the record of a dead letter where it was, if it is still there: the
// offset may be another's, if the topic was made anew.
func (c *call) complete(ctx context.Context, r *Record) error {
	r.Stays = ErrGone
	e := &r.Event
	if e.Partition < 0 || e.Offset < 0 {
		return nil // a row of the relay's
	}
	p := c.at(e.Topic, e.Partition)
	oldest, _, end, err := p.Offsets(ctx, time.Time{})
	if err != nil || e.Offset < oldest || e.Offset >= end {
		return unlessGone(r, err)
	}
	return unlessGone(r, p.Range(ctx, e.Offset, e.Offset+1, func(rec read.Record) error {
		m := messageOf(p, rec)
		if was := eventOf(m, &c.Config); was.ID == e.ID && header.Time(m.Timestamp) == r.timestamp {
			r.whole, r.Stays = &was, nil
		}
		return nil
	}))
}

// unlessGone returns an error of reading a record, unless it says that the record cannot
// be read any more.
func unlessGone(r *Record, err error) error {
	switch {
	case err == nil, errors.Is(err, sarama.ErrOffsetOutOfRange):
		return nil
	case topicRefuses(err), errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		r.Stays = fmt.Errorf("%w: %w", ErrGone, err)
		return nil
	}
	return fmt.Errorf("read %s (partition %d, offset %d): %w", r.Event.Topic, r.Event.Partition, r.Event.Offset, err)
}

// putBack sends the record to where it was; one that was nowhere, by its key. What Kafka
// refuses stays, and keeps no other back.
func (c *call) putBack(r *Record) error {
	topic := r.Event.Topic
	err := c.refused[topic]
	if err == nil {
		if err = c.send(r); err == nil {
			return nil
		}
	}
	switch {
	case topicRefuses(err):
		c.refused[topic] = err
	case !writer.IsTooLarge(err) && !writer.IsRefused(err):
		return fmt.Errorf("put back to %s (partition %d, offset %d): %w", topic, r.Partition, r.Offset, err)
	}
	r.Stays = fmt.Errorf("%w: %s: %w", ErrRefused, topic, access.WithOperation(err, "Write"))
	return nil
}

// topicRefuses reports whether a topic is not there, or denied.
func topicRefuses(err error) bool {
	return errors.Is(err, sarama.ErrUnknownTopicOrPartition) || errors.Is(err, sarama.ErrInvalidTopic) ||
		errors.Is(err, sarama.ErrTopicAuthorizationFailed)
}

// send writes the record as it goes back. One that its topic hardly took is larger then,
// with the count of redrives and in another compression: it goes as it was.
func (c *call) send(r *Record) error {
	m := r.message()
	if m.Partition < 0 && r.Event.Key != nil {
		partitions, err := c.writer.Partitions(m.Topic)
		if err != nil {
			return err
		}
		m.Partition = murmur2.Partition(r.Event.Key, partitions)
	}
	err := c.writer.Send(m)
	if !writer.IsTooLarge(err) {
		return err
	}
	if err := c.openPlain(); err != nil {
		return err
	}
	m.Headers = m.Headers[:len(m.Headers)-1]
	return c.plain.Send(m)
}

// openPlain opens the writer that does not compress.
func (c *call) openPlain() error {
	if c.plain != nil {
		return nil
	}
	s := writer.Config(c.reader.Config())
	s.Producer.Compression = sarama.CompressionNone
	client, err := sarama.NewClient(c.Brokers, s)
	if err == nil {
		c.plain, err = writer.New(client)
	}
	return err
}

// stays counts one that stays where it is, and tells of it.
func (c *call) stays(r *Record) error {
	switch {
	case errors.Is(r.Stays, ErrTopic):
		c.result.NotAllowed++
	case errors.Is(r.Stays, ErrGone):
		c.result.Gone++
	default:
		c.result.Refused++
	}
	if c.Stays == nil {
		return nil
	}
	return c.Stays(r)
}
