package producer_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/pause"
)

// wire watches every produce request: which batches are under way, and with which
// bytes they come again.
type wire struct {
	mu       sync.Mutex
	underWay map[int32]int
	last     map[int32][]byte // the batch that was refused last, by partition
	overlaps int
	retries  int
	changed  []string
}

// body is a batch from its CRC on: attributes, times, producer id, epoch, sequence, records.
func body(records []byte) []byte { return records[17:] }

func (w *wire) sent(partition int32, records []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.underWay[partition]++; w.underWay[partition] > 1 {
		w.overlaps++
	}
	if before := w.last[partition]; before != nil {
		w.retries++
		if !bytes.Equal(body(before), body(records)) {
			w.changed = append(w.changed, fmt.Sprintf("partition %d: %d bytes after %d", partition, len(records), len(before)))
		}
	}
}

func (w *wire) answered(partition int32, records []byte, refused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay[partition]--
	delete(w.last, partition)
	if refused {
		w.last[partition] = bytes.Clone(records)
	}
}

// Three brokers, leaders that move, and every third request refused: at most one
// batch of a partition is under way, and a retry is the same bytes with the same
// producer id, epoch and sequence.
func TestLaw7_OneBatchUnderWayAndRetriesAreTheSameBytes(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, kfake.NumBrokers(3))
	w := &wire{underWay: map[int32]int{}, last: map[int32][]byte{}}
	n := 0
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req, ok := r.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		n++
		refuse := n%3 == 0
		for _, rt := range req.Topics {
			for _, rp := range rt.Partitions {
				w.sent(rp.Partition, rp.Records)
			}
		}
		if refuse && n%2 == 0 {
			_ = c.MoveTopicPartition("events", int32(n%4), -1)
		}
		c.SleepControl(func() { // the requests of other brokers go on meanwhile
			pause.Real(t, time.Millisecond, "the others go on meanwhile")
		})
		for _, rt := range req.Topics {
			for _, rp := range rt.Partitions {
				w.answered(rp.Partition, rp.Records, refuse)
			}
		}
		if !refuse {
			return nil, nil, false
		}
		code := kerr.NotEnoughReplicas.Code
		if n%2 == 1 {
			code = kerr.RequestTimedOut.Code // perhaps appended
		}
		return devstack.RefuseProduce(req, code), nil, true
	})
	f := start(t, c.ListenAddrs(), nil)
	for range 40 {
		f.send("events", 9, 100)
		f.settle(t, "some acknowledged", func() bool { return f.Watermark()+200 > f.next })
	}
	f.delivered(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.overlaps > 0 || len(w.changed) > 0 {
		t.Errorf("%d times two batches of a partition were under way; changed: %v", w.overlaps, w.changed)
	}
	if w.retries < 5 {
		t.Errorf("%d retries: the test shows nothing", w.retries)
	}
	exactly(t, c.ListenAddrs(), "events", 4000)
}

// A leader that moves while a batch is under way at the old one: the new one gets
// nothing of that partition until the old one has answered.
func TestLaw7_LeaderMovesWhileABatchIsUnderWay(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "other"))
	for topic, broker := range map[string]int32{"events": 0, "other": 1} {
		for partition := range map[string]int32{"events": 4, "other": 1}[topic] {
			if err := c.MoveTopicPartition(topic, partition, broker); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := &wire{underWay: map[int32]int{}, last: map[int32][]byte{}}
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req, ok := r.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		hold := false
		each := func(f func(int32, []byte)) {
			for _, rt := range req.Topics {
				for _, rp := range rt.Partitions {
					if rt.Topic == "events" {
						f(rp.Partition, rp.Records)
						hold = true
					}
				}
			}
		}
		each(w.sent)
		if hold {
			once.Do(func() {
				close(held)
				c.SleepControl(func() { <-release })
			})
		}
		each(func(p int32, b []byte) { w.answered(p, b, false) })
		return nil, nil, false
	})
	f := start(t, c.ListenAddrs(), nil)
	f.send("events", 1, 10)
	<-held
	for partition := range int32(4) {
		if err := c.MoveTopicPartition("events", partition, 1); err != nil {
			t.Fatal(err)
		}
	}
	// A new topic makes the producer ask for leaders; its record goes to the new
	// leader of "events" in the request that would bring the batch there as well.
	f.send("other", 1, 1)
	f.settle(t, "the other topic's record", func() bool { events, _ := f.InFlight(); return events == 10 })
	w.mu.Lock()
	if w.overlaps > 0 {
		t.Error("the new leader was sent a batch that is under way at the old one")
	}
	w.mu.Unlock()
	close(release)
	f.delivered(t)
}
