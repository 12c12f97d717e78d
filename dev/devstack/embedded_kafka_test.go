package devstack_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
)

func TestEmbeddedKafkaTakesRecords(t *testing.T) {
	k, err := devstack.StartEmbeddedKafka()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	admin, err := sarama.NewClusterAdmin(k.Bootstrap(), sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic("t", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	if err := produce(t, k.Bootstrap(), sarama.NewConfig(), "t"); err != nil {
		t.Error(err)
	}
}
