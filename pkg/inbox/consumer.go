package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/backoff"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox/internal/topicid"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// Consumer is one member of a consumer group. A group has at most as many members at work as
// its topics have partitions.
type Consumer struct {
	config Config
	sarama *sarama.Config
	unit   transactor

	running atomic.Bool
	halt    context.CancelCauseFunc // ends Run; set before the session begins
	topics  *topicid.Topics         // set before the session begins

	// writer writes dead letters and parked records; set before the session begins, if
	// there may be any.
	writer *writer.Writer

	mu         sync.Mutex
	partitions map[*partition]struct{}
}

// New returns a Consumer for a configuration. It connects to neither Kafka nor the database.
// The error joins all faults of the configuration, each a [*ConfigError].
func New[Tx any](config Config, db DB[Tx], handle Handler[Tx]) (*Consumer, error) {
	config = withDefaults(config)
	err := config.check()
	if db.Transact == nil || db.Exec == nil || handle == nil {
		err = errors.Join(err, badConfig("New", "want a handler, and a DB with Transact and Exec"))
	}
	if err != nil {
		return nil, err
	}
	s, err := config.saramaConfig()
	if err != nil {
		return nil, err
	}
	return &Consumer{
		config: config, sarama: s, partitions: map[*partition]struct{}{},
		unit: &unit[Tx]{db, handle, config.Group, config.Table, statementsOf(&config)},
	}, nil
}

// ErrRunning means that Run was called a second time on one Consumer.
var ErrRunning = errors.New("inbox: Run has been called before")

// Run consumes until ctx is cancelled. Then it finishes the transactions in progress, for
// at most Config.AttemptTimeout, commits the offsets, leaves the group and returns nil.
//
// It returns an error that a person must decide about: a topic or dead letter topic is
// missing or denied ([ErrTopic]), a topic was deleted and made again ([ErrTopicReplaced]),
// an offset is out of range ([ErrOutOfRange]), a record was rejected with StopConsumer, or
// an error is ClassFatal. No record was skipped then: the next start continues with the
// same one. Run waits for brokers and databases that are unavailable. It may be called once.
func (c *Consumer) Run(ctx context.Context) error {
	if c.running.Swap(true) {
		return ErrRunning
	}
	running, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	c.halt = halt
	err := c.consume(running)
	switch {
	case ctx.Err() == nil && running.Err() != nil:
		return context.Cause(running)
	case ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())):
		if cause := context.Cause(running); cause != nil && !errors.Is(cause, context.Cause(ctx)) {
			return cause // it was about to stop already
		}
		return nil
	}
	return err
}

// stop ends Run with the error. It reports whether to go on: never.
func (c *Consumer) stop(e *Event, class Class, err error) bool {
	if e != nil {
		err = fmt.Errorf("inbox: %v: %w", e, err)
	}
	c.observe(Observation{Kind: KindStopped, Event: e, Class: class, Err: err})
	c.halt(err)
	return false
}

// connect waits for Kafka.
func (c *Consumer) connect(ctx context.Context, config *sarama.Config) (sarama.Client, error) {
	for attempts := 1; ; attempts++ {
		client, err := sarama.NewClient(c.config.Brokers, config)
		if err == nil {
			return client, nil
		}
		permanent, err := c.atStart(ctx, fmt.Errorf("inbox: connect to Kafka: %w", err))
		if permanent {
			return nil, err
		}
		if !c.kafkaFailed(ctx, attempts, err) {
			return nil, ctx.Err()
		}
	}
}

// atStart returns an error of Kafka with what to change, and reports whether nothing else
// helps.
func (c *Consumer) atStart(ctx context.Context, err error) (permanent bool, explained error) {
	permanent, explained = access.Explain(ctx, c.sarama, c.config.Brokers, err)
	return permanent || read.IsPermanent(err), explained
}

// ofGroup is atStart for a client that was connected before: what may heal is waited for, as
// when a broker renews its certificate.
func (c *Consumer) ofGroup(ctx context.Context, err error) (permanent bool, explained error) {
	_, explained = access.Explain(ctx, c.sarama, nil, fmt.Errorf("inbox: group %q: %w", c.config.Group, access.WithOperation(err, "Read")))
	return read.IsPermanent(err), explained
}

// kafkaFailed observes a failure, waits, and reports whether to try again.
func (c *Consumer) kafkaFailed(ctx context.Context, attempts int, err error) bool {
	wait := Retry{First: 100 * time.Millisecond, Max: 5 * time.Second}.wait(attempts)
	c.observe(Observation{Kind: KindKafkaFailed, Err: err, Class: ClassUnavailable, Wait: wait})
	return backoff.Sleep(ctx, wait) == nil
}

// consume is a member of the group until ctx ends.
func (c *Consumer) consume(ctx context.Context) error {
	client, err := c.connect(ctx, c.sarama)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := c.checkTopics(ctx, client); err != nil {
		return err
	}
	c.topics = topicid.New(client, c.config.Group, func(err error) { c.stop(nil, ClassFatal, err) })
	if c.config.OnReject != StopConsumer || c.config.RetryTopic != "" {
		if c.writer, err = c.openWriter(ctx); err != nil {
			return err
		}
		defer c.writer.Close()
	}
	group, err := sarama.NewConsumerGroupFromClient(c.config.Group, client)
	if err != nil {
		return fmt.Errorf("inbox: group %q: %w", c.config.Group, err)
	}
	var errorsRead sync.WaitGroup
	errorsRead.Go(func() { c.readErrors(ctx, group.Errors()) })
	err = c.sessions(ctx, group)
	if left := group.Close(); left != nil && err == nil {
		c.observe(Observation{
			Kind: KindKafkaFailed, Class: ClassUnavailable, Err: fmt.Errorf("inbox: leave group %q: %w", c.config.Group, left),
		})
	}
	errorsRead.Wait()
	return err
}

// sessions joins the group again and again: each rebalance ends a session.
func (c *Consumer) sessions(ctx context.Context, group sarama.ConsumerGroup) error {
	attempts := 0
	for ctx.Err() == nil {
		err := group.Consume(ctx, slices.Concat(c.config.Topics, c.config.retryTopics()), &session{c})
		switch {
		case ctx.Err() != nil, errors.Is(err, sarama.ErrClosedConsumerGroup):
			return ctx.Err()
		case err == nil:
			attempts = 0
			continue
		}
		permanent, err := c.ofGroup(ctx, err)
		if permanent {
			return err
		}
		attempts++
		if !c.kafkaFailed(ctx, attempts, err) {
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// readErrors reads what sarama tells here alone. An offset out of range must not be
// passed over: records are gone, or the topic was made anew.
func (c *Consumer) readErrors(ctx context.Context, failures <-chan error) {
	for err := range failures {
		switch {
		case errors.Is(err, sarama.ErrOffsetOutOfRange):
			where := ""
			if place, ok := errors.AsType[*sarama.ConsumerError](err); ok {
				where = fmt.Sprintf(" in %s/%d", place.Topic, place.Partition)
			}
			c.stop(nil, ClassFatal, fmt.Errorf("%w%s of group %q: decide where to go on, and set it: kafka-consumer-groups.sh "+
				"--bootstrap-server HOST:PORT --group %s --reset-offsets: %w",
				ErrOutOfRange, where, c.config.Group, c.config.Group, err))
		case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
			c.stop(nil, ClassFatal, c.tooLarge(err, "compressed ", int(sarama.MaxDecompressedBatchSize), "sarama.MaxDecompressedBatchSize"))
		case read.IsTooLong(err):
			c.stop(nil, ClassFatal, c.tooLarge(err, "", int(sarama.MaxResponseSize), "sarama.MaxResponseSize"))
		default:
			if permanent, err := c.ofGroup(ctx, err); permanent {
				c.stop(nil, ClassFatal, err)
			} else if ctx.Err() == nil {
				c.observe(Observation{Kind: KindKafkaFailed, Class: ClassUnavailable, Err: err})
			}
		}
	}
}

// tooLarge names the place of a batch that is larger than a limit of sarama's, as it is or
// when it is decompressed. sarama reads several partitions of a broker in one request, and
// does not say which it was.
func (c *Consumer) tooLarge(err error, kind string, limit int, name string) error {
	place, ok := errors.AsType[*sarama.ConsumerError](err)
	if !ok {
		return fmt.Errorf("inbox: %w", err)
	}
	next := int64(-1)
	for _, p := range c.Health().Partitions {
		if p.Topic == place.Topic && p.Partition == place.Partition {
			next = p.Next
		}
	}
	return fmt.Errorf("inbox: %s/%d from offset %d on, or another partition of the same broker, has a %sbatch of more "+
		"than %d MiB: raise %s, or set the offset of group %q behind the batch: %w",
		place.Topic, place.Partition, next, kind, limit>>20, name, c.config.Group, err)
}

// ErrOutOfRange means that the group's offset is not in the partition any more: retention
// has removed its record, or the topic was truncated.
var ErrOutOfRange = errors.New("inbox: the committed offset is out of range")
