package inbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/read"
)

// Headers of a dead letter, after the record's own. Those of walpost's relay begin
// with the same prefix.
const (
	headerPrefix      = "walpost-dlt-"
	headerTopic       = headerPrefix + "topic"        // where the record was
	headerPartition   = headerPrefix + "partition"    // where the record was
	headerOffset      = headerPrefix + "offset"       // where the record was
	headerTimestamp   = headerPrefix + "timestamp"    // of the record, RFC 3339 in UTC
	headerGroup       = headerPrefix + "group"        // that could not process it
	headerReason      = headerPrefix + "reason"       // undecodable, permanent or exhausted
	headerClass       = headerPrefix + "class"        // the error's SQLSTATE or Go type
	headerError       = headerPrefix + "error"        // the error's text
	headerAttempts    = headerPrefix + "attempts"     // of the handler
	headerFirstFailed = headerPrefix + "first-failed" // when the first attempt began, RFC 3339 in UTC
	headerTime        = headerPrefix + "time"         // when it was given up, RFC 3339 in UTC
	headerPosition    = headerPrefix + "position"     // of the relay alone: commit LSN and ordinal of the row
	headerIncomplete  = headerPrefix + "incomplete"   // what it lacks of the record: it was too large for the dead letter topic
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
	for short, ok := shorter(letter); ok && tooLarge(err); short, ok = shorter(letter) {
		letter = short
		err = t.write(ctx, letter, "dead letter topic")
	}
	if tooLarge(err) {
		return t.refused(err)
	}
	if err != nil || !t.settle(ctx, c.unit.unpark) {
		return false
	}
	c.observe(Observation{Kind: DeadLettered, Event: t.event, Err: t.err, Class: t.class})
	return true
}

// errEnded means that a record was not written because the session has ended, which
// leaves the record to the next session, or because the consumer stops.
var errEnded = errors.New("inbox: the session has ended")

// write sends a record for this one to another topic. Its error is nil when Kafka has the
// record, one of tooLarge, or errEnded.
func (t *task) write(ctx context.Context, m *sarama.ProducerMessage, what string) error {
	c := t.partition.consumer
	for attempts := 1; ctx.Err() == nil; attempts++ {
		err := c.writer.send(m)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("write to %s %s: %w", what, m.Topic, err)
		if tooLarge(err) {
			return err
		}
		if fatalForWrite(err) {
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
func (t *task) settle(ctx context.Context, do func(*attempt, *Event) error) bool {
	c := t.partition.consumer
	for attempts := 1; ctx.Err() == nil; attempts++ {
		a := newAttempt(ctx, c.config.AttemptTimeout)
		err := do(a, t.event)
		a.close()
		if err == nil {
			return true
		}
		if c.classOfAttempt(err) == ClassFatal {
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
		Topic: c.config.deadLetterOf(c.config.sourceOf(m.Topic)), Partition: m.Partition, Key: bytesOf(m.Key), Value: bytesOf(m.Value),
		Headers: escaped(m.Headers),
	}
	add := func(name, value string) {
		letter.Headers = append(letter.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
	}
	add(headerTopic, m.Topic)
	add(headerPartition, strconv.Itoa(int(m.Partition)))
	add(headerOffset, strconv.FormatInt(m.Offset, 10))
	add(headerTimestamp, timeText(m.Timestamp))
	add(headerGroup, c.config.Group)
	add(headerReason, t.reason())
	add(headerClass, errorClass(t.err))
	add(headerError, shortText(t.err.Error()))
	add(headerAttempts, strconv.Itoa(t.event.Attempt))
	add(headerFirstFailed, timeText(t.began))
	add(headerTime, timeText(time.Now()))
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

// bytesOf keeps nil and empty apart, which sarama's ByteEncoder does not.
func bytesOf(b []byte) sarama.Encoder {
	if b == nil {
		return nil
	}
	return sarama.ByteEncoder(b)
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func shortText(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxErrorBytes)], "")
}

// errorClass returns the SQLSTATE of an error, or the type of the innermost error.
func errorClass(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return "SQLSTATE " + state.SQLState()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

// writer writes records to dead letter topics and retry topics.
type writer struct {
	client   sarama.Client
	producer sarama.SyncProducer
}

func (c *Consumer) openWriter(ctx context.Context) (*writer, error) {
	if c.config.OnReject == StopConsumer && c.config.RetryTopic == "" {
		return &writer{}, nil
	}
	client, err := c.connect(ctx, producerConfig(c.sarama))
	if err != nil {
		return nil, err
	}
	return newWriter(client)
}

// newWriter returns a writer that owns the client.
func newWriter(client sarama.Client) (*writer, error) {
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("inbox: producer for dead letters: %w", err)
	}
	return &writer{client, producer}, nil
}

func (w *writer) close() {
	if w.producer != nil {
		_ = w.producer.Close() // nothing is under way
		_ = w.client.Close()
	}
}

// send returns when all in-sync replicas have the record. The record goes to the
// partition of the same number. If the topic has fewer partitions, records of one
// partition stay together, in order.
func (w *writer) send(m *sarama.ProducerMessage) error {
	partitions, err := w.client.Partitions(m.Topic)
	if err != nil {
		return err
	}
	if len(partitions) == 0 {
		return sarama.ErrUnknownTopicOrPartition
	}
	again := *m // sarama keeps its state in the message
	again.Partition = max(m.Partition, 0) % int32(len(partitions))
	if _, _, err = w.producer.SendMessage(&again); err == nil {
		return nil
	}
	if fresh := w.client.RefreshMetadata(m.Topic); fresh != nil && read.IsPermanent(fresh) {
		return fresh // sarama's own error may be "circuit breaker is open"
	}
	return err
}

// fatalForWrite reports whether a record can never be written as things are.
func fatalForWrite(err error) bool {
	for _, fatal := range []error{sarama.ErrInvalidMessage, sarama.ErrPolicyViolation, sarama.ErrInvalidRecord} {
		if errors.Is(err, fatal) {
			return true
		}
	}
	return read.IsPermanent(err)
}
