package topics_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/kafka/topics"
)

func TestCreateTopic(t *testing.T) {
	client, name := kafkatest.Connect(t, kafkatest.Plain(t, &stack)), kafkatest.TopicName(t, &stack)
	spec := topics.Spec{
		Name: name, Partitions: 3, ReplicationFactor: -1,
		Config: map[string]string{"retention.ms": "604800000", topics.CleanupPolicy: "compact"},
	}
	if err := client.Validate(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if found := kafkatest.Must(client.Describe(t.Context(), name)); found[0].Exists || found[0].Err != nil {
		t.Fatalf("validating made it: %+v", found)
	}
	for _, want := range []bool{true, false} {
		if made := kafkatest.Must(client.Create(t.Context(), spec)); made != want {
			t.Errorf("made: %v, want %v", made, want)
		}
	}
	if err := client.Validate(t.Context(), spec); err != nil {
		t.Errorf("a topic that is there: %v", err)
	}
	found := kafkatest.Must(client.Describe(t.Context(), "nowhere."+name, name))
	if len(found) != 2 || found[0].Exists || found[0].Name != "nowhere."+name {
		t.Fatalf("%+v", found)
	}
	d := found[1]
	if !d.Exists || d.Partitions != 3 || d.Replicas != 1 || d.InSync != 1 || d.WithoutLeader != 0 ||
		d.Config[topics.CleanupPolicy] != "compact" {
		t.Errorf("%+v", d)
	}
	if n, known := d.Number(topics.MaxMessageBytes); !known || n != 1048588 {
		t.Errorf("%d %v", n, known)
	}
	if may, told := d.MayWrite(); !may || !told {
		t.Error("without ACLs everybody may write")
	}
}

func TestCreateTopicIsRefusedInWords(t *testing.T) {
	client := kafkatest.Connect(t, kafkatest.Plain(t, &stack))
	for name, tc := range map[string]struct {
		change func(*topics.Spec)
		kind   kafka.Kind
		says   []string
	}{
		"unknown setting": {
			func(s *topics.Spec) { s.Config = map[string]string{"retention.mss": "1", "retention.ms": "1"} }, kafka.InvalidConfig,
			[]string{"see kafka.topics.config.retention.mss"},
		},
		"wrong value": {
			func(s *topics.Spec) { s.Config = map[string]string{"retention.ms": "soon", "segment.ms": "1"} }, kafka.InvalidConfig,
			[]string{"soon", "see kafka.topics.config.retention.ms"},
		},
		"replicas": {
			func(s *topics.Spec) { s.ReplicationFactor = 9 }, kafka.InvalidReplication, []string{"kafka.topics.replication_factor"},
		},
		"partitions": {func(s *topics.Spec) { s.Partitions = 0 }, kafka.InvalidPartitions, []string{"kafka.topics.partitions"}},
		"name":       {func(s *topics.Spec) { s.Name = "no/slash" }, kafka.InvalidTopic, []string{"outbox.topic"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := topics.Spec{Name: kafkatest.TopicName(t, &stack), Partitions: 1, ReplicationFactor: -1}
			tc.change(&spec)
			_, err := client.Create(t.Context(), spec)
			kafkatest.WantError(t, err, tc.kind, append(tc.says, spec.Name)...)
			kafkatest.WantError(t, client.Validate(t.Context(), spec), tc.kind, tc.says...)
		})
	}
}

// Creating, comparing and altering topics names the right that lacks.
func TestMissingRights(t *testing.T) {
	s := kafkatest.StartSecured(t)
	c := kafkatest.Connect(t, s.At(devstack.SASLPlaintext, nil, s.Limited))
	_, err := c.Create(t.Context(), topics.Spec{Name: "mine.too", Partitions: 1, ReplicationFactor: 1})
	kafkatest.WantError(t, err, kafka.Denied, "mine.too", "User:limited", "--operation Create")

	same := func(name string) topics.Spec { return topics.Spec{Name: name, Partitions: 3, ReplicationFactor: -1} }
	_, err = c.Compare(t.Context(), []topics.Spec{same("theirs")}, same)
	kafkatest.WantError(t, err, kafka.Denied, "theirs", "User:limited", "--operation Describe")
	settings := topics.Spec{Name: "mine", Partitions: -1, ReplicationFactor: -1, Config: map[string]string{"retention.ms": "1"}}
	_, err = c.Compare(t.Context(), []topics.Spec{settings}, same)
	kafkatest.WantError(t, err, kafka.Denied, "mine", "DescribeConfigs")
	found := kafkatest.Must(c.Compare(t.Context(), []topics.Spec{same("mine")}, same))
	if len(found) != 1 || !found[0].AddsPartitions() {
		t.Fatalf("%+v", found)
	}
	kafkatest.WantError(t, c.Apply(t.Context(), &found[0], same("mine"), same("mine"), false), kafka.Denied, "mine", "--operation Alter")
	found[0].Changes = []topics.Change{{Setting: "retention.ms", To: "1"}}
	kafkatest.WantError(t, c.Apply(t.Context(), &found[0], settings, settings, false), kafka.Denied, "mine", "--operation AlterConfigs")
}
