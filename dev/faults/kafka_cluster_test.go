package faults_test

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/status"
)

// Rows on a cluster of three brokers, one after the other under one relay that lives
// through them all. A broker that is silent for 3 s loses its leaders.
func TestRow20to67_ThreeBrokers(t *testing.T) {
	t.Parallel()
	b := newBench(t, option{})
	b.onKafka(t, devstack.Plaintext, 3, devstack.KafkaOptions{Brokers: 3, QuickStart: true, Settings: map[string]string{
		"min.insync.replicas": "2", "replica.lag.time.max.ms": "3000", "broker.session.timeout.ms": "3000",
	}})
	b.start(t)
	for _, row := range []struct {
		name string
		do   func(*testing.T, *bench)

		sampled bool
	}{
		{"Row20_LeaderKilled", row20LeaderKilled, true},
		{"Row21_RollingRestart", row21RollingRestart, true},
		{"Row67_BrokerAtAnotherAddress", row67BrokerAtAnotherAddress, true},
		{"Row25_BrokerFrozen", row25BrokerFrozen, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			b.kafkaWhole(t)
			if b.sampling = nil; row.sampled {
				b.sample(t)
			}
			w := b.write(t)
			b.passes(t, 200)
			row.do(t, b)
			b.kafkaWhole(t)
			b.passes(t, 200)
			w.end()
			b.confirmed(t)
			b.untroubled(t)
			b.exactlyOnce(t)
		})
	}
	b.end(t)
}

// onKafka gives the bench a cluster of its own. Call it before start.
func (b *bench) onKafka(t *testing.T, l devstack.Listener, replicas int16, options devstack.KafkaOptions) {
	t.Helper()
	b.kafka = devstacktest.StartKafka(t, options)
	if err := b.kafka.CreateTopic(t.Context(), b.topic, partitions, replicas, nil); err != nil {
		t.Fatal(err)
	}
	b.cfg.Kafka.Brokers = b.kafka.Bootstrap(l)
	b.pause = steady
}

// steady is the pause of writers while brokers start, which need the processor.
const steady = 20 * time.Millisecond

// kafkaWhole waits until every replica is in sync again.
func (b *bench) kafkaWhole(t *testing.T) {
	t.Helper()
	if err := b.kafka.AwaitInSync(t.Context(), b.topic); err != nil {
		t.Fatal(err)
	}
}

// leader is the broker that leads a partition.
func (b *bench) leader(t *testing.T, partition int32) *devstack.Broker {
	t.Helper()
	client, err := b.kafka.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	id, _, err := client.LeaderAndEpoch(b.topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	return b.kafka.Broker(id.ID())
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
func (b *bench) insertMore(t *testing.T) {
	t.Helper()
	last := devstacktest.Value[int](t, b.conn, "SELECT coalesce(max((payload->>'n')::int), 0) FROM outbox WHERE aggregateid LIKE 'k%'")
	b.exec(t, inserts(last+1, last+700))
}

// untroubled checks that no operator was called: Kafka's daily life is no error.
func (b *bench) untroubled(t *testing.T) {
	t.Helper()
	for _, e := range b.log.All() {
		if e.Level >= zapcore.ErrorLevel {
			t.Errorf("logged as an error: %s %v", e.Message, e.ContextMap())
		}
	}
	if b.relay.Status().State == status.HaltedState {
		t.Errorf("halted: %+v", b.relay.Status())
	}
}

// The leader of a partition is killed under load: the other brokers take over and
// the relay goes on soon, with nothing lost and nothing repeated.
func row20LeaderKilled(t *testing.T, b *bench) {
	t.Helper()
	victim := b.leader(t, 0)
	if err := victim.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.insertMore(t) // of every partition, those of the dead leader too
	within(t, soon, "going on without the leader", func() { b.confirmed(t) })
	if err := victim.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Every broker is stopped and started in turn under load, as in an upgrade.
func row21RollingRestart(t *testing.T, b *bench) {
	t.Helper()
	for round := range rollingRounds {
		for _, broker := range b.kafka.Brokers() {
			b.passes(t, 50)
			if err := broker.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.passes(t, 50)
			if err := broker.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.kafkaWhole(t)
		}
		t.Logf("round %d: %d records", round+1, b.seen.published.Load())
	}
}

// A broker freezes for longer than a request may take, with a batch in its hands:
// the others go on, and when it wakes it executes what lies in its sockets. The slot
// is not sampled: who still asks the frozen broker when it wakes is told an old
// end of its partitions for a moment.
func row25BrokerFrozen(t *testing.T, b *bench) {
	t.Helper()
	victim := b.leader(t, 0)
	if err := victim.Pause(); err != nil {
		t.Fatal(err)
	}
	lost := b.seen.class("connection")
	b.insertMore(t)
	b.until(t, "the request to the frozen broker to time out", func() bool { return b.seen.class("connection") > lost })
	b.confirmed(t)
	if err := victim.Resume(); err != nil {
		t.Fatal(err)
	}
	b.insertMore(t)
}

// A broker comes back under its number at another address, which the file does not
// know and the other brokers tell.
func row67BrokerAtAnotherAddress(t *testing.T, b *bench) {
	t.Helper()
	moved := b.leader(t, 0)
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
	b.kafkaWhole(t)
	b.lead(t, moved)
	b.insertMore(t)
	within(t, soon, "finding the broker", func() { b.confirmed(t) })
}

// lead makes a broker lead every partition.
func (b *bench) lead(t *testing.T, broker *devstack.Broker) {
	t.Helper()
	admin, err := b.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	order := []int32{broker.ID()}
	for _, other := range b.kafka.Brokers() {
		if other.ID() != broker.ID() {
			order = append(order, other.ID())
		}
	}
	var all [][]int32
	var numbers []int32
	for p := range int32(partitions) {
		all, numbers = append(all, order), append(numbers, p)
	}
	if err := admin.AlterPartitionReassignments(b.topic, all); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "the broker to lead", func() bool {
		if _, err := admin.ElectLeaders(sarama.PreferredElection, map[string][]int32{b.topic: numbers}); err != nil {
			t.Logf("elect leaders: %v", err) // one that leads already is not elected
		}
		for p := range int32(partitions) {
			if b.leader(t, p) != broker {
				return false
			}
		}
		return true
	})
}
