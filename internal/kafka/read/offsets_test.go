package read_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/internal/kafka/read"
)

// A partition whose leader is not known yet is asked again, as after its topic was created.
func TestOffsetsWaitForALeader(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	var left atomic.Int64
	left.Store(5) // sarama asks twice by itself
	cluster.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if left.Add(-1) < 0 {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = "events"
		partition := kmsg.NewListOffsetsResponseTopicPartition()
		partition.ErrorCode = kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, partition)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	client, err := sarama.NewClient(cluster.ListenAddrs(), read.Config("test"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	oldest, first, end, err := read.Partition{Client: client, Topic: "events"}.Offsets(t.Context(), time.Time{})
	if oldest != 0 || first != 0 || end != 0 || err != nil || left.Load() >= 0 {
		t.Errorf("%d, %d, %d, %v after %d refusals", oldest, first, end, err, 5-max(left.Load(), 0))
	}
}
