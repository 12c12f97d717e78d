package faults_test

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// Rows on a cluster of three brokers, one after the other under one relay that lives
// through them all.
func TestRow20to67_ThreeBrokers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.onKafka(t, devstack.Plaintext, 3, threeBrokers())
	h.Start(t)
	for _, row := range []struct {
		name string
		do   func(*testing.T, *harness)

		sampled bool
	}{
		{"Row20_LeaderKilled", row20LeaderKilled, true},
		{"Row21_RollingRestart", row21RollingRestart, true},
		{"Row67_BrokerAtAnotherAddress", row67BrokerAtAnotherAddress, true},
		{"Row25_BrokerFrozen", row25BrokerFrozen, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.kafkaWhole(t)
			if h.sampling = nil; row.sampled {
				h.sample(t)
			}
			w := h.write(t)
			h.Passes(t, 200)
			row.do(t, h)
			h.kafkaWhole(t)
			h.Passes(t, 200)
			w.end()
			h.Confirmed(t)
			h.untroubled(t)
			h.exactlyOnce(t)
		})
	}
	h.Stop(t)
}

// threeBrokers are a cluster in which a broker that is silent for 3 s loses its leaders.
func threeBrokers() devstack.KafkaOptions {
	return devstack.KafkaOptions{Brokers: 3, QuickStart: true, Settings: map[string]string{
		"min.insync.replicas": "2", "replica.lag.time.max.ms": "3000", "broker.session.timeout.ms": "3000",
	}}
}

// onKafka gives the harness a cluster of its own. Call it before start.
func (h *harness) onKafka(t *testing.T, l devstack.Listener, replicas int16, options devstack.KafkaOptions) {
	t.Helper()
	h.UseKafka(t, devstacktest.StartKafka(t, options), l, replicas)
	h.pause = steady
}

// steady is the pause of writers while brokers start, which need the processor.
const steady = 20 * time.Millisecond

// kafkaWhole waits until every replica of the topic, and of more, is in sync again.
func (h *harness) kafkaWhole(t *testing.T, more ...string) {
	t.Helper()
	for _, topic := range append(more, h.Topic) {
		if err := h.Kafka.AwaitInSync(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}
}

// leader is the broker that leads a partition.
func (h *harness) leader(t *testing.T, topic string, partition int32) *devstack.Broker {
	t.Helper()
	client, err := h.Kafka.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	id, _, err := client.LeaderAndEpoch(topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	return h.Kafka.Broker(id.ID())
}

// soon is how long the relay may take to go on: seconds, and on a busy machine more,
// of which the brokers need most.
const soon = time.Minute

// within fails when the relay took longer over something than it may.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	begun := time.Now()
	do()
	took := time.Since(begun)
	t.Logf("%s: %v", what, took.Round(time.Millisecond))
	if took > limit {
		t.Errorf("%s took %v, more than %v", what, took, limit)
	}
}

// insertMore commits 700 events that reach every partition.
func (h *harness) insertMore(t *testing.T) {
	t.Helper()
	last := devstacktest.Value[int](t, h.DB.Conn, "SELECT coalesce(max((payload->>'n')::int), 0) FROM outbox WHERE aggregateid LIKE 'k%'")
	h.Exec(t, inserts(last+1, last+700))
}

// untroubled checks that no operator was called: Kafka's daily life is no error.
func (h *harness) untroubled(t *testing.T) {
	t.Helper()
	for _, e := range h.Log.All() {
		if e.Level >= zapcore.ErrorLevel {
			t.Errorf("logged as an error: %s %v", e.Message, e.ContextMap())
		}
	}
	if h.Status().State == status.HaltedState {
		t.Errorf("halted: %+v", h.Status())
	}
}

// The leader of a partition is killed under load: the other brokers take over and
// the relay goes on soon, with nothing lost and nothing repeated.
func row20LeaderKilled(t *testing.T, h *harness) {
	t.Helper()
	victim := h.leader(t, h.Topic, 0)
	if err := victim.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.insertMore(t) // of every partition, those of the dead leader too
	within(t, soon, "going on without the leader", func() { h.Confirmed(t) })
	if err := victim.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Every broker is stopped and started in turn under load, as in an upgrade.
func row21RollingRestart(t *testing.T, h *harness) {
	t.Helper()
	for round := range rollingRounds {
		for _, broker := range h.Kafka.Brokers() {
			h.Passes(t, 50)
			if err := broker.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.Passes(t, 50)
			if err := broker.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.kafkaWhole(t)
		}
		t.Logf("round %d: %d records", round+1, h.Seen.Records.Load())
	}
}

// A broker freezes for longer than a request may take, with a batch in its hands:
// the others go on, and when it wakes it executes what lies in its sockets. The slot
// is not sampled: who still asks the frozen broker when it wakes is told an old
// end of its partitions for a moment.
func row25BrokerFrozen(t *testing.T, h *harness) {
	t.Helper()
	victim := h.leader(t, h.Topic, 0)
	if err := victim.Pause(); err != nil {
		t.Fatal(err)
	}
	lost := h.Seen.Errors("connection")
	h.insertMore(t)
	h.Until(t, "the request to the frozen broker to time out", func() bool { return h.Seen.Errors("connection") > lost })
	h.Confirmed(t)
	if err := victim.Resume(); err != nil {
		t.Fatal(err)
	}
	h.insertMore(t)
}

// A broker comes back under its number at another address, which the file does not
// know and the other brokers tell.
func row67BrokerAtAnotherAddress(t *testing.T, h *harness) {
	t.Helper()
	moved := h.leader(t, h.Topic, 0)
	before := moved.Addr(devstack.Plaintext)
	if err := moved.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := moved.Move(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := moved.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := moved.Addr(devstack.Plaintext); now == before {
		t.Fatalf("the broker is at %s still", now)
	}
	h.kafkaWhole(t)
	h.lead(t, h.Topic, moved)
	h.insertMore(t)
	within(t, soon, "finding the broker", func() { h.Confirmed(t) })
}

// lead makes a broker lead every partition of a topic, which has as many as the usual one.
func (h *harness) lead(t *testing.T, topic string, broker *devstack.Broker) {
	t.Helper()
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	order := []int32{broker.ID()}
	for _, other := range h.Kafka.Brokers() {
		if other.ID() != broker.ID() {
			order = append(order, other.ID())
		}
	}
	var all [][]int32
	var numbers []int32
	for p := range int32(relaytest.Partitions) {
		all, numbers = append(all, order), append(numbers, p)
	}
	if err := admin.AlterPartitionReassignments(topic, all); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "the broker to lead", func() bool {
		if _, err := admin.ElectLeaders(sarama.PreferredElection, map[string][]int32{topic: numbers}); err != nil {
			t.Logf("elect leaders: %v", err) // one that leads already is not elected
		}
		for p := range int32(relaytest.Partitions) {
			if h.leader(t, topic, p) != broker {
				return false
			}
		}
		return true
	})
}
