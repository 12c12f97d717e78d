package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/status"
)

// Every broker is killed: reading pauses, memory is bounded, the slot keeps the
// data, and the relay says so once and comes back by itself. Ten minutes of it run in
// virtual time: internal/relay, TestRow19_TenMinutesWithoutKafka.
func TestRow19_AllBrokersDown(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	h := newHarness(t, nil)
	h.onKafka(t, devstack.Plaintext, 1, devstack.KafkaOptions{QuickStart: true})
	h.Config.Delivery.InFlight = limit
	w := h.streamUnderLoad(t, 200)
	gone, back := h.Logged("Kafka is not reachable"), h.Logged("Kafka is reachable again") // a fresh cluster is not ready at once
	if err := h.Kafka.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, inserts(1, 20000)) // more than in_flight holds
	h.State(t, status.KafkaUnavailable)
	if report := h.Report(""); report.Ready() {
		t.Error("ready, and Kafka is away")
	}
	h.Condition(t, status.ConditionKafka)
	begun := time.Now()
	peak := int64(0)
	h.Until(t, "the outage to pass", func() bool {
		_, bytes := h.InFlight()
		peak = max(peak, bytes)
		return time.Since(begun) > outage
	})
	if peak < limit || peak > limit+chunk {
		t.Errorf("%d bytes in flight at most, and delivery.in_flight is %d", peak, limit)
	}
	if err := h.Kafka.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.State(t, status.Streaming)
	took := time.Since(begun)
	h.endExactlyOnce(t, w)
	if n := h.Logged("Kafka is not reachable") - gone; n < 1 || n > 2+int(took/(20*time.Second)) {
		t.Errorf("%d lines about one outage of %v", n, took)
	}
	if n := h.Logged("Kafka is reachable again") - back; n < 1 || n > 2 { // the coordinator may be late
		t.Errorf("the recovery is in the log %d times", n)
	}
}

// Kafka is away with records of 900 kB, then of 50 B, coming: what is in flight
// passes the limit by no more than one record, or the chunk it begins.
func TestRow68_MemoryWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	h := newHarness(t, nil)
	kafka := h.ownKafka(t)
	h.Config.Delivery.InFlight = limit
	h.Start(t)
	for _, tc := range []struct {
		name       string
		rows, size int
	}{{"records of 900 kB", 40, 900_000}, {"records of 50 B", 80_000, 50}} {
		kafka.Refuse()
		h.State(t, status.KafkaUnavailable)
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, payload)
			SELECT 'order', 'k' || i %% 7, jsonb_build_object('n', %d + i, 'pad', repeat('x', %d)) FROM generate_series(1, %d) i`,
			h.Seen.Records.Load(), tc.size-30, tc.rows))
		peak := int64(0)
		var full time.Time // a while longer, to see it stay
		h.Until(t, tc.name+": in_flight to be used up", func() bool {
			_, bytes := h.InFlight()
			peak = max(peak, bytes)
			if peak >= limit && full.IsZero() {
				full = time.Now()
			}
			return peak >= limit && time.Since(full) > time.Second
		})
		t.Logf("%s: %d bytes in flight at most, %d over the limit", tc.name, peak, peak-limit)
		if peak > limit+int64(max(tc.size+20_000, chunk)) {
			t.Errorf("%s: %d bytes in flight, and delivery.in_flight is %d", tc.name, peak, limit)
		}
		kafka.Heal()
		h.Confirmed(t)
	}
	h.exactlyOnce(t)
	h.Stop(t)
}

// chunk is the unit in which memory is given to records.
const chunk = 64 << 10
