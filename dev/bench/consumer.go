package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
)

// arrival is a record that has reached a consumer.
type arrival struct {
	id string
	at time.Time
}

// consumer reads topics from their beginning.
type consumer struct{ client *kgo.Client }

// newConsumer creates a consumer of what is committed in all topics of a route; the caller closes it.
func (b *bench) newConsumer(to route) (consumer, error) {
	const fetchWait = 500 * time.Millisecond // of an empty fetch; a record ends it at once
	client, err := kgo.NewClient(
		kgo.SeedBrokers(b.kafka.Bootstrap(devstack.Plaintext)...), kgo.ConsumeTopics(to.topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(fetchWait),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	return consumer{client}, err
}

func (c consumer) close() { c.client.Close() }

// poll waits for records and hands each over with the time at which all of them were there.
func (c consumer) poll(ctx context.Context, take func(arrival)) error {
	fetches := c.client.PollFetches(ctx)
	at := time.Now()
	if err := fetches.Err(); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	fetches.EachRecord(func(r *kgo.Record) { take(arrival{id: headerID(r), at: at}) })
	return nil
}

// headerID is the id of an event as consumers see it.
func headerID(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == "id" {
			return string(h.Value)
		}
	}
	return ""
}

// errNothing is what pollWithin returns when no record came.
var errNothing = errors.New("no record came")

// pollWithin is poll that gives up after a while.
func (c consumer) pollWithin(ctx context.Context, patience time.Duration, take func(arrival)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNothing)
	defer cancel()
	return c.poll(ctx, take)
}
