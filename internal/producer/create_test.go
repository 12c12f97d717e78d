package producer_test

import (
	"context"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/producer"
)

func TestMissingTopicIsCreated(t *testing.T) {
	t.Parallel()
	k := stack.Kafka(t)
	brokers, topic := k.Bootstrap(devstack.Plaintext), stack.Name(t)
	f := start(t, brokers, func(o *producer.Options) {
		o.Create = func(ctx context.Context, names []string) []error {
			var errs []error
			for _, name := range names {
				errs = append(errs, k.CreateTopic(ctx, name, 3, 1, nil))
			}
			return errs
		}
	})
	f.send(topic, 5, 500)
	f.delivered(t)
	exactly(t, brokers, topic, 500)
}
