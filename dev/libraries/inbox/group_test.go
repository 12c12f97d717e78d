package inbox_test

import (
	"context"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// join has a member of another client in the group, by these strategies.
func (f *fixture) join(t *testing.T, group string, assigned func(partitions int), strategies ...kgo.GroupBalancer) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.kafka.Bootstrap(devstack.Plaintext)...), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(f.topic), kgo.Balancers(strategies...), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, all map[string][]int32) { assigned(len(all[f.topic])) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// A group of members that know cooperative-sticky alone has no strategy in common with a
// consumer: Kafka refuses it, and it says why and what to do.
func TestCooperativeStickyAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	config := f.config(t)
	assigned := make(chan int, 10)
	f.join(t, config.Group, func(n int) { assigned <- n }, kgo.CooperativeStickyBalancer())
	devstacktest.Receive(t, "the other member's partitions", assigned)
	f.events(t, 0, 1, 1)
	m := f.start(t, config, record)
	m.stopsWith(t, sarama.ErrInconsistentGroupProtocol, "partition.assignment.strategy")
	f.once(t, 0)
}

// A member that knows another strategy beside it shares the partitions with a consumer.
func TestCooperativeStickyBesideAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	config := f.config(t)
	assigned := make(chan int, 10)
	f.join(t, config.Group, func(n int) { assigned <- n }, kgo.CooperativeStickyBalancer(), kgo.RangeBalancer())
	devstacktest.Receive(t, "the other member's partitions", assigned)
	m := f.start(t, config, record)
	devstacktest.Await(t, "a partition each", func() bool { return len(m.Health().Partitions) == 1 })
	f.events(t, 0, 40, 20)
	devstacktest.Await(t, "events of the consumer's partition", func() bool { return f.number(t, "SELECT count(*) FROM effect") > 0 })
	if n := f.number(t, "SELECT count(DISTINCT part) FROM effect"); n != 1 {
		t.Errorf("events of %d partitions, want one: the other is the other member's", n)
	}
	m.end(t)
}

// Of two members with one static id Kafka fences the older, which ends and says so. It does
// not take turns with the newer.
func TestTwoMembersWithOneInstanceID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.config(t)
	config.ConfigureSarama = func(s *sarama.Config) {
		quick(s)
		s.Consumer.Group.InstanceId = "payments-1"
	}
	older := f.start(t, config, record)
	f.events(t, 0, 1, 1)
	f.await(t, 1)
	newer := f.start(t, config, record)
	older.stopsWith(t, sarama.ErrFencedInstancedId, "each process needs its own")
	f.events(t, 1, 10, 3)
	f.once(t, 11)
	newer.end(t)
}

// A topic that is missing is named at the start, with the command that makes it.
func TestMissingTopicIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	for name, change := range map[string]func(c *inbox.Config){
		f.topic + ".lost": func(c *inbox.Config) { c.DeadLetter = f.topic + ".lost" },
		f.topic + ".late": func(c *inbox.Config) { c.RetryTopic = "{topic}.late" },
		f.topic + ".none": func(c *inbox.Config) { c.Topics, c.DeadLetter = append(c.Topics, f.topic+".none"), f.topic+".DLT" },
	} {
		config := f.config(t)
		change(&config)
		f.start(t, config, record).stopsWith(t, inbox.ErrTopic, "kafka-topics.sh --bootstrap-server "+config.Brokers[0]+
			" --create --topic "+name)
	}
}
