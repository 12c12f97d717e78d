package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/status"
)

// A quota makes Kafka slow, and nothing else: no error, no state that says it is
// away, nothing lost.
func TestRow39_Quota(t *testing.T) {
	t.Parallel()
	const rate = 25_000 // bytes a second
	b := newBench(t, option{kafka: "  compression: none\n"})
	b.cfg.Kafka.ClientID = b.cfg.Name
	admin, err := b.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	client := []sarama.QuotaEntityComponent{{EntityType: sarama.QuotaEntityClientID, MatchType: sarama.QuotaMatchExact, Name: b.cfg.Name}}
	if err := admin.AlterClientQuotas(client, sarama.ClientQuotasOp{Key: "producer_byte_rate", Value: rate}, false); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	b.sample(t)
	const rows, batches = 500, 10
	begun := time.Now()
	for i := range batches {
		before := b.seen.published.Load() // a burst may pass before this goroutine goes on
		b.exec(t, inserts(i*rows+1, (i+1)*rows))
		b.until(t, "a record of the batch to pass", func() bool { return b.seen.published.Load() > before })
	}
	b.until(t, fmt.Sprint(rows*batches, " records"), func() bool {
		if st := b.relay.Status(); st.State != status.Streaming && st.State != status.Throttled {
			t.Fatalf("state %s: %s", st.State, st.Reason)
		}
		return b.seen.published.Load() == rows*batches
	})
	if took := time.Since(begun); took < 5*time.Second {
		t.Errorf("some 600 kB took %v: the quota of %d B/s was not felt", took, rate)
	}
	b.confirmed(t)
	b.untroubled(t)
	if n := b.seen.class("connection") + b.seen.class("refused") + b.seen.class("unknown_outcome"); n > 0 {
		t.Errorf("%d failed requests: %v", n, b.seen.classes)
	}
	b.exactlyOnce(t)
	b.end(t)
}
