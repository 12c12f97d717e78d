package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
)

// openingBytes is more than Kafka writes into a partition before it makes an entry of its indexes (index.interval.bytes).
const openingBytes = 5000

// openRoute writes two records without an id into each partition. With the first the broker makes files, with the second
// it maps the indexes, which together take milliseconds: nothing that a relay pays when the topics have been in use.
func (b *bench) openRoute(ctx context.Context, to *route) error {
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(b.kafka.Bootstrap(devstack.Plaintext)...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		return err
	}
	defer producer.Close()
	for range 2 { // in batches of their own
		var records []*kgo.Record
		for _, topic := range to.topics {
			for p := range to.partitions {
				records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: make([]byte, openingBytes)})
			}
		}
		if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return err
		}
		to.opened += int64(len(records))
	}
	return nil
}
