package producer_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

// producerOf is the producer id and epoch of a batch (record batch, version 2).
func producerOf(records []byte) (id int64, epoch int16) {
	const at = 43
	return int64(binary.BigEndian.Uint64(records[at:])), int16(binary.BigEndian.Uint16(records[at+8:]))
}

// A broker that has forgotten the producer id for good (49): the next epoch of it first,
// which keeps stragglers out, then another id; nothing is lost, repeated or reordered.
func TestRow111_ProducerIDThatKafkaForgot(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), nil)
	f.send("events", 3, 50)
	f.delivered(t)
	var mu sync.Mutex
	forgotten, epochs := int64(-1), map[int16]bool{}
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req, ok := r.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		mu.Lock()
		defer mu.Unlock()
		id, epoch := producerOf(req.Topics[0].Partitions[0].Records)
		if forgotten < 0 {
			forgotten = id
		}
		if id != forgotten {
			return nil, nil, false
		}
		epochs[epoch] = true
		return devstack.RefuseProduce(req, kerr.InvalidProducerIDMapping.Code), nil, true
	})
	f.send("events", 1, 50) // one key: one partition, so that the requests are of one state
	f.delivered(t)
	exactly(t, c.ListenAddrs(), "events", 100)
	mu.Lock()
	defer mu.Unlock()
	if len(epochs) != 2 {
		t.Errorf("%d epochs of the forgotten id, want the one before and the next", len(epochs))
	}
	if f.seen.repeats != 0 {
		t.Errorf("%d possible repeats, and every attempt was answered", f.seen.repeats)
	}
}

// An answer that no Produce request gets is tried for a while, shown meanwhile with
// Kafka's words, and then left to a person.
func TestRow111_AnswerThatNoProduceRequestGets(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), func(o *producer.Options) { o.Patience, o.OnReject = 400*time.Millisecond, record.RejectSkip })
	answerWith(c, kerr.InvalidRequest.Code, -1)
	f.send("events", 1, 1)
	f.settle(t, "the partition to be named", func() bool {
		h := f.Health()
		return len(h.Stuck) == 1 && strings.Contains(h.Stuck[0], "topic events, partition ") &&
			strings.Contains(h.Stuck[0], "error 42") && h.Oldest == h.Stuck[0]
	})
	f.settle(t, "a halt", func() bool { return f.Halted() != nil })
	if h := f.Halted(); h.Hint == "" || !strings.Contains(h.Text, "error 42") {
		t.Errorf("%+v", h)
	}
	if len(f.seen.rejected) != 0 {
		t.Errorf("rejected %v, and no record is at fault", f.seen.rejected)
	}
}

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
	if n := f.seen.rejected[producer.ReasonMissingPartition]; n != made {
		t.Errorf("%d records rejected, want %d", n, made)
	}
	if n := f.Queues(); n != 2 {
		t.Errorf("%d queues are left, want those of the topic's two partitions", n)
	}
}
