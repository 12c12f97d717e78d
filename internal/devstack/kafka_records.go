package devstack

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// Records reads everything that a topic holds now, partition by partition in order. It is for topics that nothing was
// deleted from and no transaction has written to: it waits for the record before each partition's end.
func (k *Kafka) Records(ctx context.Context, topic string) ([]*sarama.ConsumerMessage, error) {
	ends, err := k.EndOffsets(topic)
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumer(k.Bootstrap(Plaintext), k.clientConfig())
	if err != nil {
		return nil, err
	}
	defer func() { _ = consumer.Close() }()
	var all []*sarama.ConsumerMessage
	for partition := range int32(len(ends)) {
		records, err := readPartition(ctx, consumer, topic, partition, ends[partition])
		if err != nil {
			return nil, fmt.Errorf("read %s/%d: %w", topic, partition, err)
		}
		all = append(all, records...)
	}
	return all, nil
}

func readPartition(ctx context.Context, consumer sarama.Consumer, topic string, partition int32, end int64) ([]*sarama.ConsumerMessage, error) {
	if end == 0 {
		return nil, nil
	}
	stream, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	var records []*sarama.ConsumerMessage
	for {
		select {
		case record := <-stream.Messages():
			records = append(records, record)
			if record.Offset == end-1 {
				return records, nil
			}
		case err := <-stream.Errors():
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
