package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/wiring"
)

// findEvery is how often topics are looked for: one may be made at any time.
const findEvery = 2 * time.Second

// follower reads topics of a cluster, partition by partition.
type follower struct {
	command  *tailCommand
	options  kafka.Options
	client   sarama.Client
	consumer sarama.Consumer
	records  chan *sarama.ConsumerMessage
	faults   chan error // that do not pass
	done     chan struct{}
	readers  sync.WaitGroup
	reading  map[string]int // partitions of a topic that are read
	find     *time.Ticker
	looked   bool
}

func newFollower(ctx context.Context, cfg *config.Config, t *tailCommand) (*follower, error) {
	const op = "read from Kafka"
	o := wiring.Kafka(cfg)
	settings, err := kafka.Settings(o)
	if err != nil {
		return nil, err
	}
	_, globs := t.named()
	settings.Metadata.Full = len(globs) > 0
	settings.Consumer.IsolationLevel = sarama.ReadCommitted
	settings.Consumer.Return.Errors = true
	client, err := sarama.NewClient(o.Brokers, settings)
	if err != nil {
		return nil, o.Explain(op, err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, errors.Join(o.Explain(op, err), client.Close())
	}
	f := &follower{
		command: t, options: o, client: client, consumer: consumer, records: make(chan *sarama.ConsumerMessage), faults: make(chan error),
		done: make(chan struct{}), reading: map[string]int{}, find: time.NewTicker(findEvery),
	}
	if err := f.look(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// next returns the next record of any partition; nil when ctx ends. Waiting for a
// topic is reported once, to w.
func (f *follower) next(ctx context.Context, w io.Writer) (*sarama.ConsumerMessage, error) {
	for {
		if len(f.reading) == 0 && !f.command.waitingWasSaid {
			f.command.waitingWasSaid = true
			names, globs := f.command.named()
			out := newPrinter(w)
			if out.line("walpost: there is no topic %s yet: waiting for it", strings.Join(append(names, globs...), ", ")); out.err != nil {
				return nil, out.err
			}
		}
		select {
		case rec := <-f.records:
			return rec, nil
		case err := <-f.faults:
			return nil, err
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // nil is the end
		case <-f.find.C:
			_ = f.look(ctx) // Kafka may be unavailable for a while: the readers wait for it too
		}
	}
}

// look begins to read partitions that are not read yet. What is there at the first
// look is read from its end, unless the beginning is wanted; what comes later is
// new, and read from its beginning. A partition without a leader, as of a topic that
// was just made, is left to the next look.
func (f *follower) look(ctx context.Context) error {
	from := sarama.OffsetOldest
	if !f.looked && !f.command.fromBeginning {
		from = sarama.OffsetNewest
	}
	topics, err := f.topics()
	if err != nil {
		return err
	}
	all := true
	for _, topic := range topics {
		partitions, err := f.client.Partitions(topic)
		if err != nil {
			continue // not there yet, or not for this principal
		}
		for _, p := range partitions[min(f.reading[topic], len(partitions)):] {
			err := f.read(ctx, topic, p, from)
			if leaderless(err) {
				all = false
				break
			}
			if err != nil {
				return f.options.ExplainRead(topic, err)
			}
			f.reading[topic]++
		}
	}
	f.looked = f.looked || all
	return nil
}

// leaderless reports whether a partition has no leader now, or another than was known.
func leaderless(err error) bool {
	return errors.Is(err, sarama.ErrLeaderNotAvailable) || errors.Is(err, sarama.ErrNotLeaderForPartition) ||
		errors.Is(err, sarama.ErrReplicaNotAvailable) || errors.Is(err, sarama.ErrUnknownTopicOrPartition)
}

func (f *follower) topics() ([]string, error) {
	names, globs := f.command.named()
	return findTopics(f.client, f.options, names, globs)
}

func (f *follower) read(ctx context.Context, topic string, partition int32, from int64) error {
	next, err := f.client.GetOffset(topic, partition, from)
	if err != nil {
		return err
	}
	stream, err := f.consumer.ConsumePartition(topic, partition, next)
	if err != nil {
		return err
	}
	f.readers.Go(func() {
		defer stream.AsyncClose()
		for {
			select {
			case failed, ok := <-stream.Errors():
				if !ok || !errors.Is(failed, sarama.ErrDecompressedBatchTooLarge) {
					continue // sarama tries again
				}
				var err error
				if next, err = f.readToInflated(ctx, topic, partition, next); err == nil {
					continue // it is in another partition of the broker
				}
				select {
				case f.faults <- err:
				case <-f.done:
				}
				return
			case rec, ok := <-stream.Messages():
				if !ok || rec.Offset >= next && !f.take(rec) {
					return
				}
				next = max(next, rec.Offset+1)
			case <-f.done:
				return
			}
		}
	})
	return nil
}

// take passes a record on, and reports whether reading continues.
func (f *follower) take(rec *sarama.ConsumerMessage) bool {
	select {
	case f.records <- rec:
		return true
	case <-f.done:
		return false
	}
}

// readToInflated reads the records of a partition up to a batch that is too large when it
// is decompressed, and returns an error with its place: sarama reads several partitions in
// one request, and does not say in which of them it is. It returns the offset to go on
// from when it is not in this one.
func (f *follower) readToInflated(ctx context.Context, topic string, partition int32, next int64) (int64, error) {
	end, err := f.client.GetOffset(topic, partition, sarama.OffsetNewest)
	if err != nil {
		return next, nil //nolint:nilerr // sarama tries again
	}
	p := read.Partition{Client: f.client, Topic: topic, ID: partition, Committed: true}
	err = p.Range(ctx, next, end, func(rec read.Record) error {
		m := &sarama.ConsumerMessage{
			Topic: topic, Partition: partition, Offset: rec.Offset, Timestamp: rec.Time,
			Key: rec.Key, Value: rec.Value, Headers: rec.Headers,
		}
		if !f.take(m) {
			return errStopped
		}
		next = rec.Offset + 1
		return nil
	})
	if inflated, ok := errors.AsType[*read.InflatedError](err); ok {
		return next, fmt.Errorf("%s/%d: %w", topic, partition, inflated)
	}
	return next, nil
}

// errStopped ends a reading that nobody waits for any more.
var errStopped = errors.New("stopped")

// close ends the reading without waiting for brokers.
func (f *follower) close() {
	close(f.done)
	f.find.Stop()
	f.readers.Wait()
	go func() { _ = errors.Join(f.consumer.Close(), f.client.Close()) }() // nothing was written that could be lost
}
