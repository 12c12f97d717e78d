package inbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox/internal/topicid"
)

// ErrTopic means that a topic is missing, or that this client has no right to it.
var ErrTopic = topicid.ErrTopic

// ErrTopicReplaced means that a topic was deleted and made again under its name: the
// group's offsets are of the topic before, and reading on would pass over new records.
var ErrTopicReplaced = topicid.ErrReplaced

// checkTopics looks for the topics, their retry topics and their dead letter topics, so that a missing
// one is known at the start and not at the first poison record.
func (c *Consumer) checkTopics(ctx context.Context, client sarama.Client) error {
	var faults []error
	for _, topic := range c.config.Topics {
		faults = append(faults, c.checkTopic(ctx, client, topic, "Read"))
		if c.config.OnReject == DeadLetterRecord {
			faults = append(faults, c.checkTopic(ctx, client, c.config.deadLetterOf(topic), "Write"))
		}
	}
	for _, topic := range c.config.retryTopics() {
		faults = append(faults, c.checkTopic(ctx, client, topic, "Read and Write"))
	}
	return errors.Join(faults...)
}

// checkTopic waits until Kafka has said that a topic is there. The operations are those that
// the consumer needs.
func (c *Consumer) checkTopic(ctx context.Context, client sarama.Client, topic, operations string) error {
	for attempts := 1; ; attempts++ {
		err := read.WithoutTopic(client.RefreshMetadata(topic), topic)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%w %s: %w", ErrTopic, topic, access.WithOperation(err, operations))
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			err = fmt.Errorf("%w (create it: kafka-topics.sh --bootstrap-server %s --create --topic %s)", err, c.config.Brokers[0], topic)
		}
		permanent, err := c.atStart(ctx, err)
		if permanent {
			return err
		}
		if !c.kafkaFailed(ctx, attempts, err) {
			return ctx.Err()
		}
	}
}
