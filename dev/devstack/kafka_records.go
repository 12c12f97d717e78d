package devstack

import (
	"context"
	"errors"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/topicdump"
)

// Records reads everything that a topic holds now, partition by partition in order.
func (k *Kafka) Records(ctx context.Context, topic string) ([]*sarama.ConsumerMessage, error) {
	client, err := k.Client()
	if err != nil {
		return nil, err
	}
	whole := func(m *sarama.ConsumerMessage) *sarama.ConsumerMessage { return m }
	records, err := topicdump.Read(ctx, client, whole, topic)
	return records, errors.Join(err, client.Close())
}
