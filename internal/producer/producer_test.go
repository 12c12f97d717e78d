package producer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/record"
)

func TestDeliversInOrder(t *testing.T) {
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), nil)
	f.send("events", 7, 5000)
	f.delivered(t)
	exactly(t, c.ListenAddrs(), "events", 5000)
}

// Records without a key, one at a time: each partition gets its share, as from
// Kafka's own client.
func TestRow113_RecordsWithoutAKeyAreSpread(t *testing.T) {
	t.Parallel()
	const partitions, records = 3, 90
	brokers, topic := topicOn(t, partitions, nil)
	f := start(t, brokers, nil)
	for range records {
		f.next++
		f.Add(&record.Record{Topic: topic, Value: fmt.Append(nil, f.next), Timestamp: time.Now().UnixMilli(), Partition: -1},
			f.next, record.Position{})
		f.delivered(t)
	}
	got := map[int32]int{}
	for _, r := range consume(t, brokers, topic, records) {
		got[r.Partition]++
	}
	// Fair dice give one of three partitions fewer than 10 of 90 once in ten million runs.
	for i := range int32(partitions) {
		if got[i] < records/partitions/3 {
			t.Errorf("%v records of %d in the partitions, want about a third in each", got, records)
		}
	}
}
