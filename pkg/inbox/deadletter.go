package inbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
	"github.com/walpost/walpost/pkg/inbox/internal/header"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// maxErrorBytes keeps a dead letter almost as small as its record.
const maxErrorBytes = 1000

// reject treats a record that cannot be processed as Config.OnReject says, and reports
// whether the record is done.
func (t *task) reject(ctx context.Context) bool {
	c := t.partition.consumer
	if c.config.OnReject == StopConsumer {
		return c.stop(t.event, t.class, t.err)
	}
	letter := t.deadLetter()
	err := t.write(ctx, letter, "dead letter topic")
	for short, ok := writer.Shorter(letter); ok && writer.IsTooLarge(err); short, ok = writer.Shorter(letter) {
		letter = short
		err = t.write(ctx, letter, "dead letter topic")
	}
	if writer.IsTooLarge(err) {
		return t.refused(err)
	}
	if err != nil || !t.settle(ctx, c.unit.unpark) {
		return false
	}
	c.observe(Observation{Kind: KindDeadLettered, Event: t.event, Err: t.err, Class: t.class})
	return true
}

// errEnded means that a record was not written because the session has ended, which
// leaves the record to the next session, or because the consumer stops.
var errEnded = errors.New("inbox: the session has ended")

// write sends a record for this one to another topic. Its error is nil when Kafka has the
// record, one of writer.IsTooLarge, or errEnded.
func (t *task) write(ctx context.Context, m *sarama.ProducerMessage, what string) error {
	c := t.partition.consumer
	for attempts := 1; ctx.Err() == nil; attempts++ {
		err := c.writer.Send(m)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("write to %s %s: %w", what, m.Topic, access.WithOperation(err, "Write"))
		if writer.IsTooLarge(err) {
			return err
		}
		if writer.IsRefused(err) || read.IsPermanent(err) {
			t.refused(err)
			return errEnded
		}
		if !t.partition.retry(ctx, Observation{Event: t.event, Err: fmt.Errorf("inbox: %w", err), Class: ClassUnavailable}, attempts) {
			return errEnded
		}
	}
	return errEnded
}

// refused ends the consumer, because Kafka never accepts what it has to write. It reports
// whether to go on: never.
func (t *task) refused(err error) bool {
	if t.err != nil {
		err = fmt.Errorf("%w; the record failed with: %w", err, t.err)
	}
	return t.partition.consumer.stop(t.event, ClassFatal, err)
}

// settle runs a short transaction for this record until it succeeds, and reports whether
// it has.
func (t *task) settle(ctx context.Context, do func(*try, *Event) error) bool {
	c := t.partition.consumer
	for attempts := 1; ctx.Err() == nil; attempts++ {
		a := newTry(ctx, c.config.AttemptTimeout)
		err := do(a, t.event)
		a.Close()
		if err == nil {
			return true
		}
		class, err := c.classOfAttempt(err)
		if class == ClassFatal {
			return c.stop(t.event, ClassFatal, err)
		}
		if !t.partition.retry(ctx, Observation{Event: t.event, Err: err, Class: ClassUnavailable}, attempts) {
			return false
		}
	}
	return false
}

// deadLetter returns the dead letter of a record: its key, value and headers, and those
// of the inbox.
func (t *task) deadLetter() *sarama.ProducerMessage {
	c, m := t.partition.consumer, t.record.message
	letter := &sarama.ProducerMessage{
		Topic: c.config.deadLetterOf(c.config.sourceOf(m.Topic)), Partition: m.Partition,
		Key: writer.Bytes(m.Key), Value: writer.Bytes(m.Value), Headers: header.Escape(m.Headers),
	}
	add := func(name, value string) {
		letter.Headers = append(letter.Headers, header.New(name, value))
	}
	add(dlt.HeaderTopic, m.Topic)
	add(dlt.HeaderPartition, strconv.Itoa(int(m.Partition)))
	add(dlt.HeaderOffset, strconv.FormatInt(m.Offset, 10))
	add(dlt.HeaderTimestamp, header.Time(m.Timestamp))
	add(dlt.HeaderGroup, c.config.Group)
	add(dlt.HeaderReason, t.reason())
	add(dlt.HeaderClass, errtext.Class(t.err))
	add(dlt.HeaderError, shortText(c.config.errorText(t.err)))
	add(dlt.HeaderAttempts, strconv.Itoa(t.event.Attempt))
	add(dlt.HeaderFirstFailed, header.Time(t.began))
	add(dlt.HeaderTime, header.Time(time.Now()))
	return letter
}

func (t *task) reason() string {
	switch {
	case errors.Is(t.err, ErrUndecodable):
		return "undecodable"
	case t.class == ClassTransient:
		return "exhausted"
	}
	return "permanent"
}

func shortText(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxErrorBytes)], "")
}

// openWriter opens what writes dead letters and parked records.
func (c *Consumer) openWriter(ctx context.Context) (*writer.Writer, error) {
	client, err := c.connect(ctx, writer.Config(c.sarama))
	if err != nil {
		return nil, err
	}
	p, err := writer.New(client)
	if err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	return p, nil
}
