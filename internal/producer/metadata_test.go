package producer_test

import (
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/record"
)

// Tests named after rows of the fault matrix (docs/faults.md). In each: nothing
// lost, repeated or reordered.

func TestRow22_LeadersMove(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Brokers: 3, QuickStart: true})
	if err := k.CreateTopic(t.Context(), "events", 3, 3, nil); err != nil {
		t.Fatal(err)
	}
	admin, err := k.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, nil)
	// Each round puts another replica first and elects it.
	replicas := []int32{1, 2, 3}
	for round := range 8 {
		f.send("events", 7, 500)
		order := append(append([]int32(nil), replicas[round%3:]...), replicas[:round%3]...)
		if err := admin.AlterPartitionReassignments("events", [][]int32{order, order, order}); err != nil {
			t.Fatal(err)
		}
		f.send("events", 7, 500)
		if _, err := admin.ElectLeaders(sarama.PreferredElection, map[string][]int32{"events": {0, 1, 2}}); err != nil {
			t.Logf("elect leaders: %v", err) // one that leads already is not elected
		}
		f.settle(t, "the round's events", func() bool { return f.Watermark() == f.next+1 })
	}
	if f.seen.class("leader_moved") == 0 {
		t.Error("no leader moved under a batch: the test shows nothing")
	}
	exactly(t, brokers, "events", int(f.next))
}

func TestRow32_PartitionsAdded(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, nil)
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	f := start(t, brokers, nil)
	f.send(topic, 20, 200)
	f.delivered(t)
	if err := admin.CreatePartitions(topic, 6, nil, false); err != nil {
		t.Fatal(err)
	}
	// A partition that is asked for and was not there a moment ago makes it look.
	f.next++
	f.Add(&record.Record{Topic: topic, Value: []byte("201"), Timestamp: time.Now().UnixMilli(), Partition: 5}, f.next, record.Position{})
	f.delivered(t)
	f.send(topic, 20, 200)
	f.delivered(t)
	used := map[int32]bool{}
	for _, r := range consume(t, brokers, topic, int(f.next)) {
		used[r.Partition] = true
	}
	if len(used) != 6 {
		t.Errorf("partitions used: %v, want all 6", used)
	}
}
