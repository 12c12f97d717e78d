package kafka

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

// What a principal lacks that gets no producer id, and what mends it.
const (
	NoIdempotentWrite = "may write to no topic and has no IdempotentWrite"
	GrantTopicWrite   = "Write on the topics (enough since Kafka 2.8)"
)

// InitProducerID asks for a producer id: without one there is no idempotent producer. It
// writes nothing to a topic.
func (c *Client) InitProducerID(ctx context.Context) error {
	const op = "ask for a producer id"
	var err error
	paused := Poll(ctx, func() bool {
		var res *sarama.InitProducerIDResponse
		if res, err = Ask(ctx, c, op, RequestProducerID); err != nil {
			return true
		}
		err = c.Explain(op, CodeError(res.Err))
		return !startingUp(res.Err)
	})
	if paused != nil {
		return c.Explain(op, paused)
	}
	return err
}

// RequestProducerID sends the request for a new producer id.
//
// Not Client.InitProducerID of sarama: it sends id 0, epoch 0, which since KIP-360
// names a producer that goes on; -1 is one that begins. Without a transactional id
// Kafka 4.1 takes both alike.
func RequestProducerID(broker *sarama.Broker) (*sarama.InitProducerIDResponse, error) {
	return broker.InitProducerID(&sarama.InitProducerIDRequest{
		Version: InitProducerIDVersion, ProducerID: -1, ProducerEpoch: -1, TransactionTimeout: time.Minute,
	})
}

// startingUp reports whether a fresh or moving cluster will give another answer soon.
func startingUp(code sarama.KError) bool {
	switch code {
	case sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable,
		sarama.ErrNotCoordinatorForConsumer, sarama.ErrRequestTimedOut:
		return true
	default:
		return false
	}
}
