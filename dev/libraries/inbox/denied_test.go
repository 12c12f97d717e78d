package inbox_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// A client that may read but not write the dead letter topic stops at the first
// record that needs it.
func TestRow75_DeadLetterDenied(t *testing.T) {
	t.Parallel()
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{Users: map[string]string{"reader": "secret"}, Authorize: true})
	f := fixtureIn(t, stack.Database(t), kafka, 1)
	admin, err := kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	config := f.config(t)
	allow := func(kind sarama.AclResourceType, name string, operation sarama.AclOperation) {
		t.Helper()
		err := admin.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral},
			Acls:     []*sarama.Acl{{Principal: "User:reader", Host: "*", Operation: operation, PermissionType: sarama.AclPermissionAllow}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	allow(sarama.AclResourceTopic, f.topic, sarama.AclOperationRead)
	allow(sarama.AclResourceGroup, config.Group, sarama.AclOperationRead)
	config.Brokers = kafka.Bootstrap(devstack.SASLPlaintext)
	config.ConfigureSarama = func(s *sarama.Config) {
		quick(s)
		s.Net.SASL.Enable, s.Net.SASL.User, s.Net.SASL.Password = true, "reader", "secret"
	}
	f.events(t, 0, 3, 1)
	f.send(t, f.message("bad", "k0"))
	f.events(t, 3, 3, 1)
	f.start(t, config, poison).stopsWith(t, sarama.ErrTopicAuthorizationFailed, f.topic+".DLT") // not even described
	allow(sarama.AclResourceTopic, f.topic+".DLT", sarama.AclOperationDescribe)
	f.start(t, config, poison).stopsWith(t, sarama.ErrTopicAuthorizationFailed, "poison")
	f.once(t, 3)
	if at := f.committed(t, config.Group); at != 3 {
		t.Errorf("offset %d is committed, want 3", at)
	}
	allow(sarama.AclResourceTopic, f.topic+".DLT", sarama.AclOperationWrite)
	f.start(t, config, poison)
	f.once(t, 6)
}
