package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
)

// lsn is a position in the WAL.
type lsn uint64

func (l lsn) String() string { return fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)) }

// published is a record of an outbox with a position header.
type published struct {
	oracle.Event
	producer int64     // Kafka's id of the process that wrote it
	at       time.Time // its time stamp
	commit   lsn       // of its transaction, from the position header
}

// records reads all that is in the topic now, partition by partition in order.
func (h *harness) records(t *testing.T) []published {
	t.Helper()
	var all []published
	for _, r := range consume(t, h.Kafka, h.Topic) {
		rec := published{Event: oracle.Event{Key: string(r.Key), Number: number(t, r.Value)}, producer: r.ProducerID, at: r.Timestamp}
		for _, h := range r.Headers {
			switch h.Key {
			case "id":
				rec.ID = string(h.Value)
			case "walpost-position":
				commit, _, _ := strings.Cut(string(h.Value), "/")
				n, err := strconv.ParseUint(commit, 16, 64)
				if err != nil || len(commit) != 16 {
					t.Fatalf("position %q: %v", h.Value, err)
				}
				rec.commit = lsn(n)
			}
		}
		all = append(all, rec)
	}
	return all
}

// number is n of a payload.
func number(t *testing.T, payload []byte) int64 {
	t.Helper()
	var p struct{ N int64 }
	if err := json.Unmarshal(payload, &p); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	return p.N
}

// consume reads all that is in topics now, in the order of topic, partition, offset.
func consume(t *testing.T, k *devstack.Kafka, topics ...string) []*kgo.Record {
	t.Helper()
	left := 0
	for _, topic := range topics {
		for _, end := range endOffsets(t, k, topic) {
			left += int(end)
		}
	}
	all := devstacktest.Consume(t, k, left, topics...)
	slices.SortFunc(all, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return all
}

// endOffsets asks again while a partition of a new topic has no leader: the
// broker announces leaders before it takes over.
func endOffsets(t *testing.T, k *devstack.Kafka, topic string) (ends map[int32]int64) {
	t.Helper()
	var err error
	deadline := time.Now().Add(devstacktest.Patience)
	devstacktest.Await(t, "the end offsets of "+topic, func() bool {
		ends, err = k.EndOffsets(topic)
		if err != nil && time.Now().After(deadline.Add(-time.Second)) {
			t.Fatal(err)
		}
		return err == nil
	})
	return ends
}
