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
	h := newHarness(t, keys{"kafka.compression": "none"})
	h.Config.Kafka.ClientID = h.Config.Name
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	client := []sarama.QuotaEntityComponent{{
		EntityType: sarama.QuotaEntityClientID, MatchType: sarama.QuotaMatchExact, Name: h.Config.Name,
	}}
	if err := admin.AlterClientQuotas(client, sarama.ClientQuotasOp{Key: "producer_byte_rate", Value: rate}, false); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	h.sample(t)
	const rows, batches = 500, 10
	begun := time.Now()
	for i := range batches {
		before := h.Seen.Records.Load() // a burst may pass before this goroutine goes on
		h.Exec(t, inserts(i*rows+1, (i+1)*rows))
		h.Until(t, "a record of the batch to pass", func() bool { return h.Seen.Records.Load() > before })
	}
	h.Until(t, fmt.Sprint(rows*batches, " records"), func() bool {
		if st := h.Status(); st.State != status.Streaming && st.State != status.Throttled {
			t.Fatalf("state %s: %s", st.State, st.Reason)
		}
		return h.Seen.Records.Load() == rows*batches
	})
	if took := time.Since(begun); took < 5*time.Second {
		t.Errorf("some 600 kB took %v: the quota of %d B/s was not felt", took, rate)
	}
	h.Confirmed(t)
	h.untroubled(t)
	if n := h.Seen.Errors("connection", "refused", "unknown_outcome"); n > 0 {
		t.Errorf("%d failed requests", n)
	}
	h.exactlyOnce(t)
	h.Stop(t)
}
