package relay_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// of inserts rows of aggregate types, one transaction each.
func (b *bench) of(t *testing.T, types ...string) {
	t.Helper()
	for _, name := range types {
		if _, err := b.db.Conn.Exec(t.Context(), `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ($1, 'k', 'Created', '{}')`, name); err != nil {
			t.Fatal(err)
		}
	}
}

// condition gives the relay's condition of that name.
func (b *bench) condition(name string) (status.Condition, bool) {
	for _, c := range b.relay.Report("").Conditions {
		if c.Name == name {
			return c, true
		}
	}
	return status.Condition{}, false
}

const creates = "  topics: {create: true}\n"

// brokersOf is a kafka section with more in it.
func brokersOf(k *devstack.Kafka, more string) string {
	return "kafka:\n  brokers: [" + strings.Join(k.Bootstrap(devstack.Plaintext), ", ") + "]\n" + more
}

// Kafka counts . and _ in a topic's name as the same, so the second of two such names
// can never be made: that is the record's fault, and delivery.on_reject is asked.
func TestRow106_TopicNameThatCollides(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, brokersOf(stack.Kafka(t), creates), "delivery: {on_reject: skip}")
	b.start(t)
	b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT name, 'k', 'Created', '{}' FROM unnest('{a.b,a_b,order}'::text[]) name`) // at once: asked for together
	b.consume(t, b.topic, 1)
	b.confirmed(t)
	if n := b.seen.rejected.Load(); n != 1 {
		t.Errorf("%d records rejected, want that of a_b", n)
	}
	if c, ok := b.condition(status.ConditionDenied); ok {
		t.Errorf("%+v", c)
	}
	if err := b.end(t); err != nil {
		t.Error(err)
	}
}

// A policy of the cluster that forbids a topic is asked once, not for ever.
func TestRow106_PolicyThatForbidsTheTopic(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, brokersOf(stack.Kafka(t), creates), "delivery: {on_reject: skip}")
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, b.topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return forbidsAll(req.(*kmsg.CreateTopicsRequest)), nil, true
	})
	b.cfg.Kafka.Brokers = cluster.ListenAddrs()
	b.start(t)
	b.of(t, "forbidden", "order")
	b.confirmed(t)
	if published, rejected := b.seen.published.Load(), b.seen.rejected.Load(); published != 1 || rejected != 1 {
		t.Errorf("%d records published and %d rejected, want one each", published, rejected)
	}
	if err := b.end(t); err != nil {
		t.Error(err)
	}
}

// forbidsAll makes no topic, as a create.topic.policy may.
func forbidsAll(req *kmsg.CreateTopicsRequest) kmsg.Response {
	res := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	for _, topic := range req.Topics {
		rt := kmsg.NewCreateTopicsResponseTopic()
		rt.Topic, rt.ErrorCode = topic.Topic, kerr.PolicyViolation.Code
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// Settings that the cluster does not give are an operator's to mend: the words name the
// key and no right. A topic that only a row names is not waited for longer than patience.
func TestRow107_TopicThatCannotBeCreatedAsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, brokersOf(stack.Kafka(t), "  topics: {create: true, replication_factor: 3}\n"), "delivery: {on_reject: skip}")
	b.patience = 10 * time.Second
	b.start(t)
	b.of(t, "madeup", "order")
	b.until(t, "the condition", func() bool {
		c, ok := b.condition(status.ConditionStuck)
		return ok && strings.Contains(c.Hint, "kafka.topics.replication_factor") && !strings.Contains(c.Hint, "grant")
	})
	b.consume(t, b.topic, 1)
	b.confirmed(t)
	if n := b.seen.rejected.Load(); n != 1 {
		t.Errorf("%d records rejected", n)
	}
}

// Without a right to a topic its records wait for it, but not for ever where nothing but
// a row names the topic: a typo under ACLs must not hold the slot.
func TestRow108_DeniedTopicThatARowMadeUp(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{QuickStart: true, Users: map[string]string{"walpost": canary}, Authorize: true})
	for _, policy := range []string{"skip", "dead_letter"} {
		t.Run(policy, func(t *testing.T) { deniedTopic(t, k, policy) })
	}
}

func deniedTopic(t *testing.T, k *devstack.Kafka, policy string) {
	t.Parallel()
	db := stack.Database(t)
	db.Exec(t, relaytest.OutboxDDL)
	b := newBenchOn(t, db, k, "kafka:\n  brokers: ["+strings.Join(k.Bootstrap(devstack.SASLPlaintext), ", ")+"]\n"+saslYAML("PLAIN", "walpost", canary),
		"delivery: {on_reject: "+policy+", dead_letter: PREFIX.dead}")
	dead := strings.TrimSuffix(b.topic, "order") + "dead"
	if err := k.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	grantWrite(t, k, b.topic, dead)
	b.patience = 10 * time.Second
	b.start(t)
	b.of(t, "ordre", "order")
	b.until(t, "the topic to be named", func() bool {
		c, ok := b.condition(status.ConditionDenied)
		return ok && strings.Contains(c.Hint, "ordre") && strings.Contains(c.Hint, "grant Write")
	})
	b.until(t, "the good row to be acknowledged", func() bool { return b.seen.published.Load() >= 1 })
	b.confirmed(t)
	if n := b.seen.rejected.Load(); n != 1 {
		t.Errorf("%d records rejected", n)
	}
	if policy == "dead_letter" {
		b.consume(t, dead, 1)
	}
	if err := b.end(t); err != nil {
		t.Error(err)
	}
}

// grantWrite lets the user walpost write to topics.
func grantWrite(t *testing.T, k *devstack.Kafka, topics ...string) {
	t.Helper()
	admin, err := k.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	var acls []*sarama.ResourceAcls
	for _, topic := range topics {
		of := &sarama.ResourceAcls{Resource: sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral}}
		for _, op := range []sarama.AclOperation{sarama.AclOperationDescribe, sarama.AclOperationWrite} {
			of.Acls = append(of.Acls, &sarama.Acl{Principal: "User:walpost", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow})
		}
		acls = append(acls, of)
	}
	if err := admin.CreateACLs(acls); err != nil {
		t.Fatal(err)
	}
}

// The commit time of a record that is too old for its topic only gets older.
func TestRow109_RecordTooOldForItsTopic(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, "delivery: {on_reject: skip}")
	topic := strings.TrimSuffix(b.topic, "order") + "old"
	if err := b.kafka.CreateTopic(t.Context(), topic, 1, 1, map[string]string{"message.timestamp.before.max.ms": "3000"}); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	if err := b.end(t); err != nil { // the slot is there
		t.Fatal(err)
	}
	b.released(t)
	b.of(t, "old", "order")
	b.db.Exec(t, "SELECT pg_sleep(5)") // no condition tells that time has passed
	b.start(t)
	b.of(t, "old")
	b.confirmed(t)
	b.consume(t, b.topic, 1)
	b.consume(t, topic, 1)
	if n := b.seen.rejected.Load(); n != 1 {
		t.Errorf("%d records rejected, want the old one", n)
	}
}

// What Kafka answers for ever is a halt that names the key, and no delivery.on_reject:
// that would not help.
func TestRow110_CompressionThatKafkaRefuses(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]*kerr.Error{"76": kerr.UnsupportedCompressionType, "43": kerr.UnsupportedForMessageFormat} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, relaytest.OutboxDDL)
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, b.topic))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				return refusesAll(req.(*kmsg.ProduceRequest), code), nil, true
			})
			b.cfg.Kafka.Brokers, b.cfg.Delivery.OnReject = cluster.ListenAddrs(), "skip"
			b.start(t)
			b.of(t, "order")
			halt, ok := errors.AsType[*status.Halt](b.wait(t))
			if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Hint, "kafka.compression") || strings.Contains(halt.Hint, "on_reject") {
				t.Errorf("%+v", halt)
			}
		})
	}
}

// refusesAll answers every partition with the code.
func refusesAll(req *kmsg.ProduceRequest, code *kerr.Error) kmsg.Response {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, code.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// Rows that make up names cost others neither time nor memory: what they name is
// rejected and forgotten, and the good row behind them arrives.
func TestRow112_ManyTopicsThatDoNotExist(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, "delivery: {on_reject: skip}")
	b.start(t)
	const names = 20_000
	b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'made.up.' || i, 'k', 'Created', '{}' FROM generate_series(1, `+strconv.Itoa(names)+`) i`)
	b.of(t, "order")
	b.consume(t, b.topic, 1)
	b.confirmed(t)
	if n := b.seen.rejected.Load(); n != names {
		t.Errorf("%d records rejected, want %d", n, names)
	}
	if topics := b.relay.Topics(); !slices.Equal(topics, []string{b.topic}) {
		t.Errorf("%d topics are known: nothing forgets them", len(topics))
	}
}

// kafka.topics.most bounds what rows can have created.
func TestRow112_TooManyTopics(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, brokersOf(stack.Kafka(t), "  topics: {create: true, most: 3, partitions: 1}\n"), "delivery: {on_reject: skip}")
	b.start(t)
	b.of(t, "order")
	b.consume(t, b.topic, 1)
	b.of(t, "m1", "m2", "m3", "m4", "m5", "order")
	b.consume(t, b.topic, 2)
	b.confirmed(t)
	if n := b.seen.rejected.Load(); n != 3 {
		t.Errorf("%d records rejected, want those of the fourth topic and further", n)
	}
	admin, err := b.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	topics, err := admin.ListTopics()
	if err != nil {
		t.Fatal(err)
	}
	prefix, made := strings.TrimSuffix(b.topic, "order"), 0
	for name := range topics {
		if strings.HasPrefix(name, prefix) {
			made++
		}
	}
	if made != 3 {
		t.Errorf("%d topics of this relay, want 3", made)
	}
}
