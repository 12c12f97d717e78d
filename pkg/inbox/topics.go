package inbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// ErrTopic is a topic that is missing, or that this client has no right to.
var ErrTopic = errors.New("inbox: topic")

// checkTopics looks for the topics and their dead letter topics, so that a missing
// one is known at the start and not at the first poison record.
func (c *Consumer) checkTopics(ctx context.Context, client sarama.Client) error {
	var faults []error
	for _, topic := range c.config.Topics {
		faults = append(faults, c.checkTopic(ctx, client, topic))
		if c.config.OnReject == DeadLetterRecord {
			faults = append(faults, c.checkTopic(ctx, client, c.config.deadLetterOf(topic)))
		}
	}
	return errors.Join(faults...)
}

func (c *Consumer) checkTopic(ctx context.Context, client sarama.Client, topic string) error {
	for attempts := 1; ; attempts++ {
		err := client.RefreshMetadata(topic)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%w %s: %w", ErrTopic, topic, err)
		if fatalInKafka(err) {
			return err
		}
		if !c.kafkaFailed(ctx, attempts, err) {
			return ctx.Err()
		}
	}
}

// fatalInKafka says that an error does not pass by itself. sarama has asked again
// for a while before it says that a topic is unknown.
func fatalInKafka(err error) bool {
	for _, fatal := range []error{
		sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed,
		sarama.ErrGroupAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrSASLAuthenticationFailed,
		sarama.ErrUnsupportedSASLMechanism, sarama.ErrUnsupportedVersion, sarama.ErrInconsistentGroupProtocol,
		sarama.ErrInvalidSessionTimeout, sarama.ErrInvalidGroupId, sarama.ErrFencedInstancedId, sarama.ErrSecurityDisabled,
	} {
		if errors.Is(err, fatal) {
			return true
		}
	}
	return false
}
