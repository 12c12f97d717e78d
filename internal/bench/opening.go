package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/internal/devstack"
)

// openRoute writes one record without an id into each partition. The first record of a new partition costs the broker
// milliseconds for files and maps, which is nothing that a relay pays when the topics have been in use.
func (b *bench) openRoute(ctx context.Context, to *route) error {
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(b.kafka.Bootstrap(devstack.Plaintext)...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
	)
	if err != nil {
		return err
	}
	defer producer.Close()
	var records []*kgo.Record
	for _, topic := range to.topics {
		for p := range to.partitions {
			records = append(records, &kgo.Record{Topic: topic, Partition: p})
		}
	}
	to.opened = int64(len(records))
	return producer.ProduceSync(ctx, records...).FirstErr()
}
