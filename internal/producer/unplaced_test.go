package producer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

// Rows that make up partitions: each is rejected and forgotten, and those that come
// after it do not make it wait anew.
func TestRow112_ManyPartitionsThatDoNotExist(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, nil)
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	const made = 3000
	for i := range int32(made) {
		f.next++
		f.Add(&record.Record{Topic: topic, Value: []byte("x"), Timestamp: time.Now().UnixMilli(), Partition: 10 + i},
			f.next, record.Position{})
	}
	f.next++
	f.Add(&record.Record{Topic: topic, Value: fmt.Append(nil, f.next), Timestamp: time.Now().UnixMilli(), Partition: 1},
		f.next, record.Position{})
	f.delivered(t)
	exactlyFrom(t, brokers, topic, made+1, made+1)
	if n := f.seen.rejected[record.ReasonMissingPartition]; n != made {
		t.Errorf("%d records rejected, want %d", n, made)
	}
	if n := f.Queues(); n != 2 {
		t.Errorf("%d queues are left, want those of the topic's two partitions", n)
	}
}
