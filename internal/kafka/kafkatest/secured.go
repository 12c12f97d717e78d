package kafkatest

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
)

// Secured is a cluster with every listener and ACLs: User:walpost and the client
// certificate may do all, User:limited may write to the topic "mine".
type Secured struct {
	*devstack.Kafka
	CA, Other    *devstack.CA
	ClientTLS    *kafka.TLS // all right
	Foreign      *kafka.TLS // a certificate of another CA
	Limited, All *kafka.SASL
}

// StartSecured starts the cluster, which the test's end stops.
func StartSecured(t testing.TB) *Secured {
	t.Helper()
	s := &Secured{CA: Must(devstack.NewCA("ours")), Other: Must(devstack.NewCA("theirs"))}
	s.Kafka = devstacktest.StartKafka(t, devstack.KafkaOptions{
		TLS:        &devstack.ServerTLS{CA: s.CA, ClientAuth: true},
		Users:      map[string]string{"walpost": Canary, "limited": Canary, "nobody": Canary},
		Authorize:  true,
		SuperUsers: []string{"User:walpost", "User:CN=walpost"},
		Settings:   map[string]string{"listener.name.sasl_tls.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512"},
	})
	caFile, cert, key := Files(t, s.CA, "walpost")
	s.ClientTLS = &kafka.TLS{CA: caFile, Cert: cert, Key: key}
	_, cert, key = Files(t, s.Other, "walpost")
	s.Foreign = &kafka.TLS{CA: caFile, Cert: cert, Key: key}
	s.Limited, s.All = SASL(kafka.ScramSHA512, "limited", Canary), SASL(kafka.ScramSHA512, "walpost", Canary)
	for _, topic := range []string{"mine", "theirs"} {
		if err := s.CreateTopic(t.Context(), topic, 2, -1, nil); err != nil {
			t.Fatal(err)
		}
	}
	admin := Must(s.Admin())
	defer func() { _ = admin.Close() }()
	var grants []*sarama.Acl
	for _, op := range []sarama.AclOperation{sarama.AclOperationWrite, sarama.AclOperationDescribe} {
		grants = append(grants, &sarama.Acl{Principal: "User:limited", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow})
	}
	mine := sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: "mine", ResourcePatternType: sarama.AclPatternLiteral}
	if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: mine, Acls: grants}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// At returns the way to one of the listeners.
func (s *Secured) At(l devstack.Listener, tls *kafka.TLS, sasl *kafka.SASL) kafka.Options {
	return kafka.Options{Brokers: s.Bootstrap(l), ClientID: "test", TLS: tls, SASL: sasl}
}
