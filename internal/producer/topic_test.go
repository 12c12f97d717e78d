package producer_test

import (
	"sync/atomic"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

// A missing topic is seen missing for a while, then follows the policy; other
// topics are not held up.
func TestMissingTopic(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, nil)
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	f.send(topic+"-missing", 2, 10)
	f.send(topic, 2, 100)
	exactlyFrom(t, brokers, topic, 11, 110)
	f.delivered(t)
	if f.seen.rejected[record.ReasonMissingTopic] != 10 {
		t.Errorf("rejected: %v", f.seen.rejected)
	}
}

// A topic that was written to and is deleted holds its records: made again, it gets them.
func TestDeletedTopicHoldsItsRecords(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 2, nil)
	k := stack.Kafka(t)
	f := start(t, brokers, func(o *producer.Options) { o.OnReject = record.RejectSkip })
	f.send(topic, 3, 100)
	f.delivered(t)
	if err := k.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	f.send(topic, 3, 100)
	f.settle(t, "the broker says it is gone", func() bool { return f.seen.class("leader_moved") > 8 })
	if err := k.CreateTopic(t.Context(), topic, 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	f.delivered(t)
	exactlyFrom(t, brokers, topic, 101, 200)
	if len(f.seen.rejected) != 0 {
		t.Errorf("rejected: %v", f.seen.rejected)
	}
}

// What may not be written stays denied in the health while metadata, which may be
// read, comes and goes.
func TestDeniedStaysWithMetadata(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), nil)
	answerWith(c, kerr.TopicAuthorizationFailed.Code, -1)
	f.send("events", 1, 1)
	f.settle(t, "the denial", func() bool { return len(f.Health().Denied) == 1 })
	var rounds atomic.Int32
	c.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		rounds.Add(1)
		return nil, nil, false
	})
	f.send("missing", 1, 1) // makes it ask again and again
	f.settle(t, "metadata", func() bool {
		if len(f.Health().Denied) != 1 {
			t.Fatalf("after %d looks at the metadata nothing is denied", rounds.Load())
		}
		return rounds.Load() > 3
	})
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
