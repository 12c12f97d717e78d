package devstacktest

import (
	"errors"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
)

// Committed returns the sum of the offsets that a group has committed in all partitions of
// a topic. It waits while the group's coordinator is loading or moving, which Kafka's
// clients do too.
func Committed(t testing.TB, kafka *devstack.Kafka, group, topic string) (sum int64) {
	t.Helper()
	ends, err := kafka.EndOffsets(topic)
	if err != nil {
		t.Fatal(err)
	}
	partitions := map[string][]int32{topic: nil}
	for p := range ends {
		partitions[topic] = append(partitions[topic], p)
	}
	admin, err := kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	var offsets *sarama.OffsetFetchResponse
	Await(t, "the offsets of group "+group, func() bool {
		offsets, err = admin.ListConsumerGroupOffsets(group, partitions)
		return !isMoving(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range offsets.Blocks[topic] {
		sum += max(block.Offset, 0)
	}
	return sum
}

// isMoving reports whether a group's coordinator is loading, or is no longer where it was.
func isMoving(err error) bool {
	return errors.Is(err, sarama.ErrOffsetsLoadInProgress) || errors.Is(err, sarama.ErrNotCoordinatorForConsumer) ||
		errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable)
}
