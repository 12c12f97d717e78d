package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer is a plain consumer, of another library than walpost's. It takes note of the ids it sees, and of how long
// after its commit each record arrived.
type consumer struct {
	client *kgo.Client
	done   chan struct{}

	mu      sync.Mutex
	seen    map[string]struct{}
	records int
	delays  []time.Duration // of events, not of repeats
}

// openConsumer opens a client that reads a topic from its beginning.
func openConsumer(address, topic string) (*kgo.Client, error) {
	const emptyFetch = 250 * time.Millisecond // a record ends it at once
	return kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics(topic), kgo.FetchMaxWait(emptyFetch),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
}

// startConsumer starts to read. When that fails, fail is told.
func startConsumer(ctx context.Context, address string, fail func(error)) (*consumer, error) {
	client, err := openConsumer(address, topic)
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	c := &consumer{client: client, done: make(chan struct{}), seen: map[string]struct{}{}}
	go func() {
		defer close(c.done)
		for {
			fetches := client.PollFetches(ctx)
			if fetches.IsClientClosed() || ctx.Err() != nil {
				return
			}
			if err := fetches.Err(); err != nil {
				fail(fmt.Errorf("consumer: %w", err))
				return
			}
			c.take(fetches, time.Now())
		}
	}()
	return c, nil
}

func (c *consumer) take(fetches kgo.Fetches, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fetches.EachRecord(func(r *kgo.Record) {
		c.records++
		id := headerOf(r, "id")
		if _, ok := c.seen[id]; ok {
			return
		}
		c.seen[id] = struct{}{}
		c.delays = append(c.delays, now.Sub(r.Timestamp))
	})
}

// headerOf is the value of a header, "" without it.
func headerOf(r *kgo.Record, name string) string {
	at := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == name })
	if at < 0 {
		return ""
	}
	return string(r.Headers[at].Value)
}

// counts are the events seen by now, and the records, which are more when some came again.
func (c *consumer) counts() (events, records int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen), c.records
}

// lacks counts the ids that were not seen yet.
func (c *consumer) lacks(ids map[string]struct{}) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	lacking := 0
	for id := range ids {
		if _, ok := c.seen[id]; !ok {
			lacking++
		}
	}
	return lacking
}

// delay is the middle of the delays from commit to arrival; 0 without any.
func (c *consumer) delay() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.delays) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(c.delays))[len(c.delays)/2]
}

// close ends the reading.
func (c *consumer) close() {
	c.client.Close()
	<-c.done
}

// watch prints records as they arrive, until it is interrupted.
func watch(ctx context.Context, s *screen, address string) error {
	client, err := openConsumer(address, topic)
	if err != nil {
		return fmt.Errorf("consumer of %s: %w", address, err)
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how it ends
		}
		if err := fetches.Err(); err != nil {
			return errors.Join(fmt.Errorf("consumer of %s", address), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			s.say("%s/%d@%d  key %s  %s  id %s  %s", r.Topic, r.Partition,
				r.Offset, r.Key, headerOf(r, "eventType"), headerOf(r, "id"), r.Value)
		})
	}
}
