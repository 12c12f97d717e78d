package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// TransactionCoordinator connects to the broker that coordinates a transactional id.
func (c *Client) TransactionCoordinator(ctx context.Context, id string) (*Client, error) {
	const op, version = "find the coordinator of the transactional id", 3
	res, err := Ask(ctx, c, op, func(b *sarama.Broker) (*sarama.FindCoordinatorResponse, error) {
		return b.FindCoordinator(&sarama.FindCoordinatorRequest{
			Version: version, CoordinatorKey: id, CoordinatorType: sarama.CoordinatorTransaction,
		})
	})
	if err == nil {
		err = c.Explain(op, CodeError(res.Err))
	}
	if err != nil {
		return nil, err
	}
	return ConnectTo(ctx, c.options, res.Coordinator.Addr())
}
