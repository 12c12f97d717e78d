package monitor_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/monitor"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const (
	topic    = "orders"
	password = "c4n4ry-S3cret"
)

// watched is a cluster of three, so that one may go.
func watched(t *testing.T) *devstack.Kafka {
	t.Helper()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		Brokers: 3, HeapMiB: 256, Users: map[string]string{"watcher": password}, Authorize: true,
		Settings: map[string]string{"offsets.topic.num.partitions": "1", "offsets.topic.replication.factor": "3"},
	})
	if err := k.CreateTopic(t.Context(), topic, 2, 3, nil); err != nil {
		t.Fatal(err)
	}
	return k
}

// produce sends records to each partition.
func produce(t *testing.T, client sarama.Client, records int) {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * records {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Partition: int32(i % 2), Value: sarama.StringEncoder("v"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}
}

// commit sets offsets of a group, one for each partition; -1 leaves one out.
func commit(t *testing.T, client sarama.Client, group string, offsets ...int64) {
	t.Helper()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]map[int32]sarama.OffsetAndMetadata{topic: {}}
	for partition, offset := range offsets {
		if offset >= 0 {
			asked[topic][int32(partition)] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
		}
	}
	devstacktest.Await(t, "the offsets of "+group+" to be stored", func() bool { // a new cluster moves coordinators
		res, err := admin.AlterConsumerGroupOffsets(group, asked, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range res.Errors[topic] {
			if code != sarama.ErrNoError {
				_ = client.RefreshCoordinator(group)
				return false
			}
		}
		return true
	})
}

func start(t *testing.T, o monitor.Options) *monitor.Monitor {
	t.Helper()
	o.Topics = func() []string { return []string{topic, "missing"} }
	o.Every = 200 * time.Millisecond
	m := monitor.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { m.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return m
}

func TestOnARealCluster(t *testing.T) {
	k := watched(t)
	conf := sarama.NewConfig()
	conf.Version, conf.Producer.Return.Successes, conf.Producer.Partitioner = sarama.V2_8_0_0, true, sarama.NewManualPartitioner
	client, err := sarama.NewClient(k.Bootstrap(devstack.Plaintext), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	produce(t, client, 50)
	commit(t, client, "billing", 10, 20)
	commit(t, client, "billing-new", 45, -1)
	commit(t, client, "stock", 50, 50)
	commit(t, client, "other", 0, 0)

	logs, seen := observer.New(zapcore.WarnLevel)
	m := start(t, monitor.Options{
		Connection: kafka.Options{Brokers: k.Bootstrap(devstack.Plaintext)},
		Groups:     []string{"bill*", "stock", "nobody"}, Log: zap.New(logs),
	})
	want := []monitor.Lag{{"billing", topic, 70}, {"billing-new", topic, 5}, {"stock", topic, 0}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("lags %v, logged %v", m.Lags(), seen.All())
		}
	})
	devstacktest.Await(t, "the lags", func() bool { return slices.Equal(m.Lags(), want) })
	if r, ok := m.Replicas(topic); !ok || r != (monitor.Replicas{}) {
		t.Errorf("%+v %v", r, ok)
	}
	if _, ok := m.Replicas("missing"); ok {
		t.Error("a topic that is not there has replicas")
	}
	if n := seen.Len(); n != 0 {
		t.Errorf("logged %d lines: %v", n, seen.All())
	}

	denied(t, k)

	if err := k.Broker(3).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "both partitions to lack a replica", func() bool {
		r, ok := m.Replicas(topic)
		return ok && r.UnderReplicated == 2 && r.Shrinks == 2
	})
	if err := k.Broker(3).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "the replicas to be back", func() bool {
		r, ok := m.Replicas(topic)
		return ok && r == monitor.Replicas{Shrinks: 2}
	})
	commit(t, client, "billing", 50, 50)
	devstacktest.Await(t, "the lag to fall, over connections that were lost", func() bool {
		return len(m.Lags()) > 0 && m.Lags()[0].Records == 0
	})
	if err := k.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "figures that are too old to be forgotten", func() bool {
		_, ok := m.Replicas(topic)
		return !ok && m.Lags() == nil
	})
}

// A principal without rights on groups gets what it may see, and one line each.
func denied(t *testing.T, k *devstack.Kafka) {
	t.Helper()
	admin, err := k.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	describe := &sarama.Acl{
		Principal: "User:watcher", Host: "*", Operation: sarama.AclOperationDescribe, PermissionType: sarama.AclPermissionAllow,
	}
	if err := admin.CreateACLs([]*sarama.ResourceAcls{{
		Resource: sarama.Resource{
			ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral,
		},
		Acls: []*sarama.Acl{describe},
	}}); err != nil {
		t.Fatal(err)
	}
	logs, seen := observer.New(zapcore.WarnLevel)
	m := start(t, monitor.Options{
		Connection: kafka.Options{Brokers: k.Bootstrap(devstack.SASLPlaintext), SASL: &kafka.SASL{
			Mechanism: kafka.Plain, Username: "watcher", Password: func() (string, error) { return password, nil },
		}},
		Groups: []string{"billing"}, Log: zap.New(logs),
	})
	devstacktest.Await(t, "the topic, which it may describe", func() bool { _, ok := m.Replicas(topic); return ok })
	devstacktest.Await(t, "a line", func() bool { return seen.Len() > 0 })
	looks := 0
	for last := time.Now(); looks < 5; looks++ { // the trouble stays, and is not told again
		devstacktest.Await(t, "another look", func() bool { return time.Since(last) > 200*time.Millisecond })
		last = time.Now()
	}
	if seen.Len() != 1 || m.Lags() != nil {
		t.Errorf("%d lines, lags %v: %v", seen.Len(), m.Lags(), seen.All())
	}
	if line := fmt.Sprint(seen.All()[0]); !slices.ContainsFunc(seen.All()[0].Context, func(f zap.Field) bool { return f.Key == "hint" }) {
		t.Errorf("no hint: %s", line)
	}
}
