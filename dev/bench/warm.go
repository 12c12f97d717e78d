package main

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
)

// warmRecord is as long as a record of an event.
func warmRecord(n int64) *kgo.Record {
	id := eventID(n)
	return &kgo.Record{
		Key: []byte(id[:8]), Value: []byte(strings.Repeat("an order was placed ", 6) + id + id + id + id[:22]),
		Headers: []kgo.RecordHeader{{Key: "id", Value: []byte(id)}, {Key: "eventType", Value: []byte("OrderPlaced")}},
	}
}

// warmBroker lets the JVM compile the broker's way of a record: a cold broker costs ten times as much per event.
func (b *bench) warmBroker(ctx context.Context) error {
	to, err := b.createRoute(ctx, "warm", usual("warm", 0, 1))
	if err != nil {
		return err
	}
	b.say("warming the broker with %d records", b.warm)
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(b.kafka.Bootstrap(devstack.Plaintext)...), kgo.DefaultProduceTopic(to.topics[0]),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.RequiredAcks(kgo.AllISRAcks()),
	)
	if err != nil {
		return err
	}
	defer producer.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failed := func(_ *kgo.Record, err error) {
		if err != nil {
			cancel(err)
		}
	}
	for n := range b.warm {
		producer.Produce(ctx, warmRecord(n), failed)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if err := producer.Flush(ctx); err != nil {
		return context.Cause(ctx)
	}
	return b.deleteRoute(ctx, to)
}
