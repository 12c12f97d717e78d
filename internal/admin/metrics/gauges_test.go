package metrics_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

func TestWhatARelayReportsIsMeasured(t *testing.T) {
	t.Parallel()
	r := metrics.New()
	r.Observer("a").CommitToAck(3 * time.Millisecond)
	r.Watch("a", source{
		State: status.Streaming, InFlight: &status.InFlight{}, LagSeconds: new(2.5), OldestUnacked: new(0.5), LagBytes: new(int64(7)),
		Slot:           &catalog.Slot{WALStatus: "unreserved", RetainedBytes: 9, SafeWALBytes: new(int64(-3))},
		Conditions:     []status.Condition{{Name: status.ConditionSlotAtRisk}},
		Topics:         []status.TopicReport{{Topic: "t", UnderReplicated: new(2), ISRShrinks: new(uint64(4))}, {Topic: "unknown"}},
		ConsumerGroups: []status.GroupLag{{Group: "g", Topic: "t", Records: 12}},
	})
	r.Watch("b", source{Slot: &catalog.Slot{WALStatus: "reserved"}})
	r.Watch("c", source{Slot: &catalog.Slot{WALStatus: "lost"}})
	want(t, scrape(t, r),
		`walpost_lag_seconds{relay="a"} 2.5`,
		`walpost_oldest_unacked_seconds{relay="a"} 0.5`,
		`walpost_slot_lag_bytes{relay="a"} 7`,
		`walpost_slot_retained_bytes{relay="a"} 9`,
		`walpost_slot_safe_wal_bytes{relay="a"} -3`,
		`walpost_slot_safe_wal_bytes{relay="b"} +Inf`,
		`walpost_slot_safe_wal_bytes{relay="c"} 0`,
		`walpost_slot_wal_status{relay="a",status="unreserved"} 1`,
		`walpost_slot_wal_status{relay="a",status="reserved"} 0`,
		`walpost_condition{condition="slot_at_risk",relay="a",severity="critical"} 1`,
		`walpost_condition{condition="slot_at_risk",relay="b",severity="critical"} 0`,
		`walpost_topic_under_replicated_partitions{relay="a",topic="t"} 2`,
		`walpost_topic_isr_shrinks_total{relay="a",topic="t"} 4`,
		`walpost_consumer_group_lag{group="g",relay="a",topic="t"} 12`,
		`walpost_commit_to_ack_seconds_bucket{relay="a",le="0.005"} 1`)
}

func TestCountsOfTopics(t *testing.T) {
	t.Parallel()
	o := metrics.New().Observer("a")
	o.Published("b", 2, 30)
	o.Published("b", 1, 5)
	o.Published("a.DLT", 1, 1)
	o.DeadLettered("a.DLT")
	o.Rejected("a", "too_large")
	o.Rejected("a", "too_large")
	topics, rejected := o.Topics(), o.Rejections()
	if len(topics) != 2 || topics[0] != (status.TopicReport{Topic: "a.DLT", Published: 1, Bytes: 1, DeadLetters: 1}) ||
		topics[1] != (status.TopicReport{Topic: "b", Published: 3, Bytes: 35}) {
		t.Errorf("%+v", topics)
	}
	if len(rejected) != 1 || rejected[0] != (status.Rejections{Topic: "a", Reason: "too_large", Events: 2}) {
		t.Errorf("%+v", rejected)
	}
}
