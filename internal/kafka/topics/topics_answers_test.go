package topics_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// The fake creates topics at the controller only, as Kafka does under ZooKeeper.
func TestCreateFindsTheController(t *testing.T) {
	fake := kafkatest.Must(kfake.NewCluster(kfake.NumBrokers(3)))
	t.Cleanup(fake.Close)
	for i, addr := range fake.ListenAddrs() {
		client := kafkatest.Connect(t, kafka.Options{Brokers: []string{addr}})
		for _, want := range []bool{true, false} {
			made, err := client.Create(t.Context(), topics.Spec{Name: fmt.Sprintf("t%d", i), Partitions: 2, ReplicationFactor: 1})
			if err != nil || made != want {
				t.Errorf("broker %d: %v %v", i, made, err)
			}
		}
	}
}

// Answers that a healthy cluster does not give.
func TestInjectedAnswers(t *testing.T) {
	fake := kafkatest.Must(kfake.NewCluster(kfake.NumBrokers(1)))
	t.Cleanup(fake.Close)
	client := kafkatest.Connect(t, kafka.Options{Brokers: fake.ListenAddrs()})

	answers := []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.CoordinatorLoadInProgress}
	fake.ControlKey(int16(kmsg.InitProducerID), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if len(answers) == 0 {
			return nil, nil, false
		}
		fake.KeepControl()
		if asked := req.(*kmsg.InitProducerIDRequest); asked.ProducerID != -1 || asked.ProducerEpoch != -1 {
			t.Errorf("asked as producer %d, epoch %d", asked.ProducerID, asked.ProducerEpoch)
		}
		res := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		res.ErrorCode, answers = answers[0].Code, answers[1:]
		return res, nil, true
	})
	if err := client.InitProducerID(t.Context()); err != nil || len(answers) != 0 {
		t.Errorf("a cluster that starts up is not waited for: %v, %d answers left", err, len(answers))
	}

	fake.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res, asked := req.ResponseKind().(*kmsg.CreateTopicsResponse), req.(*kmsg.CreateTopicsRequest)
		topic := kmsg.NewCreateTopicsResponseTopic()
		text := "names begin with a team"
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = asked.Topics[0].Topic, kerr.PolicyViolation.Code, &text
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	_, err := client.Create(t.Context(), topics.Spec{Name: "t", Partitions: 1, ReplicationFactor: 1})
	kafkatest.WantError(t, err, kafka.PolicyViolation, "create topic t", "names begin with a team", "create.topic.policy")
}
