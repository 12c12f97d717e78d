package producer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer"
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

func TestRow23_TooFewReplicas(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		Brokers: 3, QuickStart: true, Settings: map[string]string{"broker.session.timeout.ms": "3000"},
	})
	if err := k.CreateTopic(t.Context(), "events", 2, 3, map[string]string{"min.insync.replicas": "3"}); err != nil {
		t.Fatal(err)
	}
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, nil)
	f.send("events", 3, 500)
	f.delivered(t)
	victim := k.Brokers()[2]
	if err := victim.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.send("events", 3, 500)
	f.settle(t, "Kafka to refuse", func() bool { return f.seen.class("refused")+f.seen.class("unknown_outcome") > 2 })
	if err := victim.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.delivered(t)
	exactly(t, brokers, "events", int(f.next))
}

// A network that loses answers, resets connections and holds requests back until
// long after their retry was answered.
func TestRow26_NetworkFaultsAndStragglers(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true, Proxied: true})
	if err := k.CreateTopic(t.Context(), "events", 3, 1, nil); err != nil {
		t.Fatal(err)
	}
	brokers, proxy := k.Bootstrap(devstack.Proxied), k.Brokers()[0].Proxy()
	f := start(t, brokers, impatient(brokers))
	f.send("events", 5, 100)
	f.delivered(t)
	faults := []struct {
		name     string
		do, heal func()
	}{
		{"connections reset", proxy.Cut, func() {}},
		{"answers held", func() { proxy.Hold(devstack.ToClient) }, proxy.Heal},
		{"requests held, then let go", func() { proxy.Hold(devstack.ToServer) }, proxy.Heal},
		{"nothing passes", proxy.Blackhole, proxy.Heal},
		{"connections refused", proxy.Refuse, proxy.Heal},
		{"slow", func() { proxy.Throttle(50_000) }, proxy.Heal},
	}
	for _, fault := range faults {
		before := f.seen.class("connection")
		fault.do()
		f.send("events", 5, 300)
		if fault.name != "slow" && fault.name != "connections reset" {
			f.settle(t, fault.name+": the producer to notice", func() bool { return f.seen.class("connection") > before })
		}
		fault.heal()
		f.send("events", 5, 300)
		f.delivered(t)
	}
	exactly(t, k.Bootstrap(devstack.Plaintext), "events", int(f.next))
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

// What may not be written waits, is named, and goes on by itself once granted.
func TestRow33_DeniedThenGranted(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true, Users: map[string]string{"walpost": "secret"}, Authorize: true})
	for _, topic := range []string{"open", "closed"} {
		if err := k.CreateTopic(t.Context(), topic, 2, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	admin, err := k.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	grant := func(topic string) {
		acls := []*sarama.ResourceAcls{{
			Resource: sarama.Resource{
				ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral,
			},
		}}
		for _, op := range []sarama.AclOperation{sarama.AclOperationWrite, sarama.AclOperationDescribe} {
			acls[0].Acls = append(acls[0].Acls, &sarama.Acl{
				Principal: "User:walpost", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow,
			})
		}
		if err := admin.CreateACLs(acls); err != nil {
			t.Fatal(err)
		}
	}
	grant("open")
	brokers := k.Bootstrap(devstack.SASLPlaintext)
	f := start(t, brokers, func(o *producer.Options) {
		o.Config = func() (*sarama.Config, error) {
			return kafka.Settings(kafka.Options{Brokers: brokers, SASL: &kafka.SASL{
				Mechanism: kafka.ScramSHA256, Username: "walpost", Password: func() (string, error) { return "secret", nil },
			}})
		}
	})
	f.send("closed", 2, 50)
	f.send("open", 2, 50)
	f.settle(t, "the open topic's events", func() bool { events, _ := f.InFlight(); return events == 50 })
	f.settle(t, "the denial to be named", func() bool { d := f.Health().Denied; return len(d) == 1 })
	grant("closed")
	f.delivered(t)
	if d := f.Health().Denied; len(d) != 0 {
		t.Errorf("still denied: %v", d)
	}
	exactlyFrom(t, k.Bootstrap(devstack.Plaintext), "closed", 1, 50)
}

// One record that a compacted topic refuses, for it has no key, among others that
// have one: it alone follows the policy.
func TestRow37_InvalidRecordIsIsolated(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 1, map[string]string{"cleanup.policy": "compact"})
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	f.send(topic, 200, 100)
	f.next++
	f.Add(&record.Record{Topic: topic, Value: []byte("no key"), Timestamp: time.Now().UnixMilli(), Partition: 0}, f.next, record.Position{})
	f.send(topic, 200, 99)
	f.delivered(t)
	if f.seen.rejected[producer.ReasonInvalidRecord] != 1 || len(f.seen.rejected) != 1 {
		t.Errorf("rejected: %v, want the one record", f.seen.rejected)
	}
	if got := consume(t, brokers, topic, 199); len(got) != 199 {
		t.Errorf("%d records, want the other 199", len(got))
	}
}

// The broker's sequences have parted from ours: the partition goes on with the next
// epoch, and nothing is lost or repeated.
func TestRow28_SequencesHaveParted(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 3, nil)
	f := start(t, brokers, nil)
	for range 5 {
		f.send(topic, 7, 200)
		f.delivered(t)
		f.SkewSequences(100)
	}
	f.send(topic, 7, 200)
	f.delivered(t)
	if n := f.seen.class("sequence"); n < 5 {
		t.Errorf("%d answers about sequences, want at least one each time", n)
	}
	exactly(t, brokers, topic, int(f.next))
}

func TestSequencesWrap(t *testing.T) {
	t.Parallel()
	const most = 1<<31 - 1
	for _, tc := range []struct {
		seq  int32
		n    int
		want int32
	}{{0, 5, 5}, {most, 1, 0}, {most - 1, 1, most}, {most - 1, 4, 2}} {
		if got := producer.NextSequence(tc.seq, tc.n); got != tc.want {
			t.Errorf("%d records after sequence %d: %d, want %d", tc.n, tc.seq, got, tc.want)
		}
	}
}
