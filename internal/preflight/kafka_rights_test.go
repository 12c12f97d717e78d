package preflight_test

import (
	"slices"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
)

// What a principal may not do is named with the command that grants it.
func TestRightsInKafka(t *testing.T) {
	s := kafkatest.StartSecured(t)
	o := s.At(devstack.SASLPlaintext, nil, s.Limited)
	list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{
		Topics: []string{"mine", "theirs", "missing"}, Create: true,
		Spec: func(name string) topics.Spec { return topics.Spec{Name: name, Partitions: 1, ReplicationFactor: 1} },
	})
	wantRequirement(t, list, "topic mine", preflight.OK, "partitions 2", "not readable")
	wantRequirement(t, list, "topic theirs", preflight.Failed, "User:limited may not",
		"kafka-acls.sh", "--operation Write", "--topic theirs")
	wantRequirement(t, list, "topic missing", preflight.Failed, "User:limited may not", "--topic missing")
	wantRequirement(t, list, "idempotent producer", preflight.OK)

	wantRequirement(t, list, "encryption", preflight.Warning, "SCRAM-SHA-512", "records cross the network readable")

	list = preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{ExactlyOnce: &preflight.ExactlyOnce{
		TransactionalID: "relay", PositionTopic: "mine", Timeout: time.Hour,
	}})
	wantRequirement(t, list, "transactional id relay", preflight.Failed, "User:limited may not use it",
		"kafka-acls.sh", "--operation Write", "--operation Describe", "--transactional-id relay")
	wantRequirement(t, list, "topic of positions mine", preflight.Failed, "User:limited may not read it", "--operation Read")
	list = preflight.Kafka(t.Context(), s.At(devstack.SASLTLS, s.ClientTLS, s.All), preflight.KafkaExpectations{
		ExactlyOnce: &preflight.ExactlyOnce{TransactionalID: "relay", PositionTopic: "mine", Timeout: time.Hour},
	})
	wantRequirement(t, list, "longest transaction", preflight.Failed, "transaction.max.timeout.ms is 900000")
	wantRequirement(t, list, "topic of positions mine", preflight.Failed, "2 partitions")

	nobody := s.At(devstack.SASLPlaintext, nil, kafkatest.SASL(kafka.Plain, "nobody", kafkatest.Canary))
	list = preflight.Kafka(t.Context(), nobody, preflight.KafkaExpectations{Topics: []string{"mine"}})
	wantRequirement(t, list, "encryption", preflight.Warning, "PLAIN")
	wantRequirement(t, list, "idempotent producer", preflight.Failed, "User:nobody", "IdempotentWrite")
	wantRequirement(t, list, "topic mine", preflight.Failed, "User:nobody")
	wantGolden(t, "denied", list, "BROKER", nobody.Brokers[0])

	stranger := s.At(devstack.SASLTLS, s.ClientTLS, kafkatest.SASL(kafka.ScramSHA512, "walpost", kafkatest.Canary+"x"))
	wantGolden(t, "password", preflight.Kafka(t.Context(), stranger, preflight.KafkaExpectations{Topics: []string{"mine"}}),
		"BROKER", stranger.Brokers[0])
	list = preflight.Kafka(t.Context(), s.At(devstack.SASLTLS, s.ClientTLS, s.All), preflight.KafkaExpectations{})
	if slices.ContainsFunc(list, func(q preflight.Requirement) bool { return q.Name == "encryption" }) {
		t.Errorf("SASL under TLS is warned of: %+v", list)
	}
}
