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
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// of inserts rows of aggregate types, one transaction each.
func (h *harness) of(t *testing.T, types ...string) {
	t.Helper()
	for _, name := range types {
		if _, err := h.DB.Conn.Exec(t.Context(), `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ($1, 'k', `+
			`'Created', '{}')`, name); err != nil {
			t.Fatal(err)
		}
	}
}

// condition returns the relay's condition of that name.
func (h *harness) condition(name string) (status.Condition, bool) {
	for _, c := range h.Report("").Conditions {
		if c.Name == name {
			return c, true
		}
	}
	return status.Condition{}, false
}

// Kafka counts . and _ in a topic's name as the same, so the second of two such names
// can never be made: that is the record's fault, and delivery.on_reject is asked.
func TestRow106_TopicNameThatCollides(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: keys{"kafka.topics.create": true, "delivery.on_reject": "skip"}})
	h.Start(t)
	// at once: asked for together
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT name, 'k', 'Created', '{}' FROM `+
		`unnest('{a.b,a_b,order}'::text[]) name`)
	h.consume(t, h.Topic, 1)
	h.Confirmed(t)
	if n := h.Seen.Rejections.Load(); n != 1 {
		t.Errorf("%d records rejected, want that of a_b", n)
	}
	if c, ok := h.condition(status.ConditionDenied); ok {
		t.Errorf("%+v", c)
	}
	h.Stop(t)
}

// A policy of the cluster that forbids a topic is asked once, not for ever.
func TestRow106_PolicyThatForbidsTheTopic(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: keys{"kafka.topics.create": true, "delivery.on_reject": "skip"}})
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, h.Topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return forbidsAll(req.(*kmsg.CreateTopicsRequest)), nil, true
	})
	h.Configure(t, keys{"kafka.brokers": cluster.ListenAddrs()})
	h.Start(t)
	h.of(t, "forbidden", "order")
	h.Confirmed(t)
	if published, rejected := h.Seen.Records.Load(), h.Seen.Rejections.Load(); published != 1 || rejected != 1 {
		t.Errorf("%d records published and %d rejected, want one each", published, rejected)
	}
	h.Stop(t)
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
	h := newHarness(t, relaytest.Options{Keys: keys{
		"kafka.topics.create": true, "kafka.topics.replication_factor": 3, "delivery.on_reject": "skip",
	}})
	h.Prepare = func(r *relay.Relay) { r.SetPatience(10 * time.Second) }
	h.Start(t)
	h.of(t, "madeup", "order")
	h.Until(t, "the condition", func() bool {
		c, ok := h.condition(status.ConditionStuck)
		return ok && strings.Contains(c.Hint, "kafka.topics.replication_factor") && !strings.Contains(c.Hint, "grant")
	})
	h.consume(t, h.Topic, 1)
	h.Confirmed(t)
	if n := h.Seen.Rejections.Load(); n != 1 {
		t.Errorf("%d records rejected", n)
	}
}

// Without a right to a topic its records wait for it, but not for ever where nothing but
// a row names the topic: a typo under ACLs must not hold the slot.
func TestRow108_DeniedTopicThatARowMadeUp(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		QuickStart: true, Users: map[string]string{"walpost": devstacktest.Canary}, Authorize: true,
	})
	for _, policy := range []string{"skip", "dead_letter"} {
		t.Run(policy, func(t *testing.T) { deniedTopic(t, k, policy) })
	}
}

func deniedTopic(t *testing.T, k *devstack.Kafka, policy string) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Kafka: k, Keys: rejects(policy).With(sasl("PLAIN", "walpost", devstacktest.Canary)).
		With(keys{"kafka.brokers": k.Bootstrap(devstack.SASLPlaintext)})})
	dead := h.Prefix + ".dead"
	if err := k.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	grantWrite(t, k, h.Topic, dead)
	h.Prepare = func(r *relay.Relay) { r.SetPatience(10 * time.Second) }
	h.Start(t)
	h.of(t, "ordre", "order")
	h.Until(t, "the topic to be named", func() bool {
		c, ok := h.condition(status.ConditionDenied)
		return ok && strings.Contains(c.Hint, "ordre") && strings.Contains(c.Hint, "grant Write")
	})
	h.Until(t, "the good row to be acknowledged", func() bool { return h.Seen.Records.Load() >= 1 })
	h.Confirmed(t)
	if n := h.Seen.Rejections.Load(); n != 1 {
		t.Errorf("%d records rejected", n)
	}
	if policy == "dead_letter" {
		h.consume(t, dead, 1)
	}
	h.Stop(t)
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
		of := &sarama.ResourceAcls{Resource: sarama.Resource{
			ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral,
		}}
		for _, op := range []sarama.AclOperation{sarama.AclOperationDescribe, sarama.AclOperationWrite} {
			of.Acls = append(of.Acls, &sarama.Acl{
				Principal: "User:walpost", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow,
			})
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
	h := newHarness(t, relaytest.Options{Keys: keys{"delivery.on_reject": "skip"}})
	topic := h.Prefix + ".old"
	if err := h.Kafka.CreateTopic(t.Context(), topic, 1, 1, map[string]string{"message.timestamp.before.max.ms": "3000"}); err != nil {
		t.Fatal(err)
	}
	h.Start(t)
	h.Stop(t) // the slot is there
	h.Released(t)
	h.of(t, "old", "order")
	h.Exec(t, "SELECT pg_sleep(5)") // no condition tells that time has passed
	h.Start(t)
	h.of(t, "old")
	h.Confirmed(t)
	h.consume(t, h.Topic, 1)
	h.consume(t, topic, 1)
	if n := h.Seen.Rejections.Load(); n != 1 {
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
			h := newHarness(t, relaytest.Options{})
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, h.Topic))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				return refusesAll(req.(*kmsg.ProduceRequest), code), nil, true
			})
			h.Configure(t, keys{"kafka.brokers": cluster.ListenAddrs(), "delivery.on_reject": "skip"})
			h.Start(t)
			h.of(t, "order")
			halt, ok := errors.AsType[*status.Halt](h.Wait(t))
			if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Hint, "kafka.compression") ||
				strings.Contains(halt.Hint, "on_reject") {
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
	h := newHarness(t, relaytest.Options{Keys: keys{"delivery.on_reject": "skip"}})
	h.Start(t)
	const names = 20_000
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) SELECT 'made.up.' || i, 'k', 'Created', '{}' FROM `+
		`generate_series(1, `+strconv.Itoa(names)+`) i`)
	h.of(t, "order")
	h.consume(t, h.Topic, 1)
	h.Confirmed(t)
	if n := h.Seen.Rejections.Load(); n != names {
		t.Errorf("%d records rejected, want %d", n, names)
	}
	if topics := h.Topics(); !slices.Equal(topics, []string{h.Topic}) {
		t.Errorf("%d topics are known: nothing forgets them", len(topics))
	}
}

// kafka.topics.most bounds what rows can have created.
func TestRow112_TooManyTopics(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: keys{
		"kafka.topics.create": true, "kafka.topics.most": 3, "kafka.topics.partitions": 1, "delivery.on_reject": "skip",
	}})
	h.Start(t)
	h.of(t, "order")
	h.consume(t, h.Topic, 1)
	h.of(t, "m1", "m2", "m3", "m4", "m5", "order")
	h.consume(t, h.Topic, 2)
	h.Confirmed(t)
	if n := h.Seen.Rejections.Load(); n != 3 {
		t.Errorf("%d records rejected, want those of the fourth topic and further", n)
	}
	admin, err := h.Kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	topics, err := admin.ListTopics()
	if err != nil {
		t.Fatal(err)
	}
	prefix, made := h.Prefix+".", 0
	for name := range topics {
		if strings.HasPrefix(name, prefix) {
			made++
		}
	}
	if made != 3 {
		t.Errorf("%d topics of this relay, want 3", made)
	}
}
