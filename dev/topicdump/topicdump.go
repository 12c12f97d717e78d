// Package topicdump reads all that topics hold at one moment, for tests, the demo and the
// benchmark.
//
// It knows Kafka's list-offsets and fetch requests through sarama's brokers. It must not
// know walpost or what records mean: it proves what walpost wrote and read, so it does not
// share internal/kafka/read. A consumer would do the same, but waits: one of sarama's needs
// 0.6 s for each partition, 0.1 s to join others in a request and 0.5 s for the fetch that
// is under way when it is closed.
package topicdump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// patience is how long nothing may come before Read gives up. A request to a frozen broker may take 20 s of it before a new
// leader is asked.
const patience = time.Minute

// retryPause is what passes between a failure and the next request.
const retryPause = 100 * time.Millisecond

// source is a partition that is read from next up to end.
type source struct {
	topic     string
	partition int32
	next, end int64
	take      func(*sarama.ConsumerMessage)
	taken     int // records

	// For readers of committed records:

	committed bool
	open      map[int64][]int // by producer id: which records belong to its open transaction
	hidden    map[int]bool    // records of transactions that were aborted
}

// dump is what one Read works on.
type dump struct {
	client  sarama.Client
	topics  []string
	sources []*source
}

// Read returns what convert makes of the records that are in the topics at this moment: topic by topic as they are given,
// partition by partition, each in the order of its offsets. Records of transactions are among them, committed or not.
//
// All partitions of a broker share each request. Of a record nothing is kept but what convert returns.
func Read[T any](ctx context.Context, client sarama.Client, convert func(*sarama.ConsumerMessage) T, topics ...string) ([]T, error) {
	return readAs(ctx, client, false, convert, topics)
}

// ReadCommitted is Read for what a consumer with isolation.level=read_committed would have at this moment, if no
// transaction held it up: the records of transactions that were aborted, or are open, are left out.
func ReadCommitted[T any](
	ctx context.Context, client sarama.Client, convert func(*sarama.ConsumerMessage) T, topics ...string,
) ([]T, error) {
	return readAs(ctx, client, true, convert, topics)
}

func readAs[T any](
	ctx context.Context, client sarama.Client, committed bool, convert func(*sarama.ConsumerMessage) T, topics []string,
) ([]T, error) {
	d := &dump{client: client, topics: topics}
	if err := d.findSources(); err != nil {
		return nil, err
	}
	parts := make([][]T, len(d.sources))
	for i, s := range d.sources {
		s.take = func(m *sarama.ConsumerMessage) { parts[i] = append(parts[i], convert(m)) }
		s.committed, s.open, s.hidden = committed, map[int64][]int{}, map[int]bool{}
	}
	if err := d.readAll(ctx); err != nil {
		return nil, err
	}
	for i, s := range d.sources {
		parts[i] = visible(s, parts[i])
	}
	return slices.Concat(parts...), nil
}

// visible returns the records of a source that a reader of committed records sees.
func visible[T any](s *source, all []T) []T {
	for _, list := range s.open {
		for _, n := range list {
			s.hidden[n] = true
		}
	}
	if len(s.hidden) == 0 {
		return all
	}
	var left []T
	for n, record := range all {
		if !s.hidden[n] {
			left = append(left, record)
		}
	}
	return left
}

// findSources lists the partitions.
func (d *dump) findSources() error {
	if len(d.topics) == 0 { // sarama would refresh all there are
		return nil
	}
	if err := d.client.RefreshMetadata(d.topics...); err != nil {
		return fmt.Errorf("topics %v: %w", d.topics, err)
	}
	for _, topic := range d.topics {
		partitions, err := d.client.Partitions(topic)
		if err != nil {
			return fmt.Errorf("topic %s: %w", topic, err)
		}
		for _, p := range partitions {
			d.sources = append(d.sources, &source{topic: topic, partition: p})
		}
	}
	return nil
}

// errNothing is what a fetch comes to that brought no record.
var errNothing = errors.New("the brokers sent nothing of what they have")

// readAll reads every partition to the end that it has now.
func (d *dump) readAll(ctx context.Context) error {
	err := d.persist(ctx, func() error {
		return errors.Join(d.atLeaders(d.sources, begin), d.atLeaders(d.sources, end))
	})
	if err != nil {
		return err
	}
	for left := unread(d.sources); len(left) > 0; left = unread(left) {
		before := position(left)
		err := d.persist(ctx, func() error {
			err := d.atLeaders(left, fetch)
			if err == nil && position(left) == before {
				return errNothing
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// persist tries again after a failure, as leaders may be about to change.
func (d *dump) persist(ctx context.Context, try func() error) error {
	for began := time.Now(); ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := try()
		if err == nil || time.Since(began) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(retryPause):
		}
		_ = d.client.RefreshMetadata(d.topics...) // what is still wrong the next request shows
	}
}

// atLeaders sends one request to each broker that leads some of the partitions.
func (d *dump) atLeaders(sources []*source, ask func(*sarama.Broker, []*source) error) error {
	led := map[*sarama.Broker][]*source{}
	for _, s := range sources {
		leader, err := d.client.Leader(s.topic, s.partition)
		if err != nil {
			return fmt.Errorf("leader of %s/%d: %w", s.topic, s.partition, err)
		}
		led[leader] = append(led[leader], s)
	}
	var errs []error
	for leader, its := range led {
		if err := ask(leader, its); err != nil {
			_ = leader.Close() // the client opens it again
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// unread are the partitions that are not read to their end.
func unread(sources []*source) []*source {
	var left []*source
	for _, s := range sources {
		if s.next < s.end {
			left = append(left, s)
		}
	}
	return left
}

// position is the sum of the offsets to read next.
func position(sources []*source) (sum int64) {
	for _, s := range sources {
		sum += s.next
	}
	return sum
}
