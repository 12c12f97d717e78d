package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
)

func TestCreateTopic(t *testing.T) {
	client, name := connect(t, plain(t)), topic(t)
	spec := kafka.Spec{Name: name, Partitions: 3, ReplicationFactor: -1, Config: map[string]string{"retention.ms": "604800000", kafka.CleanupPolicy: "compact"}}
	if err := client.Validate(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if found := must(client.Describe(t.Context(), name)); found[0].Exists || found[0].Err != nil {
		t.Fatalf("validating made it: %+v", found)
	}
	for _, want := range []bool{true, false} {
		if made := must(client.Create(t.Context(), spec)); made != want {
			t.Errorf("made: %v, want %v", made, want)
		}
	}
	if err := client.Validate(t.Context(), spec); err != nil {
		t.Errorf("a topic that is there: %v", err)
	}
	found := must(client.Describe(t.Context(), "nowhere."+name, name))
	if len(found) != 2 || found[0].Exists || found[0].Name != "nowhere."+name {
		t.Fatalf("%+v", found)
	}
	d := found[1]
	if !d.Exists || d.Partitions != 3 || d.Replicas != 1 || d.InSync != 1 || d.WithoutLeader != 0 || d.Config[kafka.CleanupPolicy] != "compact" {
		t.Errorf("%+v", d)
	}
	if n, known := d.Number(kafka.MaxMessageBytes); !known || n != 1048588 {
		t.Errorf("%d %v", n, known)
	}
	if may, told := d.MayWrite(); !may || !told {
		t.Error("without ACLs everybody may write")
	}
}

func TestCreateTopicIsRefusedInWords(t *testing.T) {
	client := connect(t, plain(t))
	for name, tc := range map[string]struct {
		change func(*kafka.Spec)
		kind   kafka.Kind
		says   []string
	}{
		"unknown setting": {func(s *kafka.Spec) { s.Config = map[string]string{"retention.mss": "1", "retention.ms": "1"} }, kafka.InvalidConfig, []string{"see kafka.topics.config.retention.mss"}},
		"wrong value":     {func(s *kafka.Spec) { s.Config = map[string]string{"retention.ms": "soon", "segment.ms": "1"} }, kafka.InvalidConfig, []string{"soon", "see kafka.topics.config.retention.ms"}},
		"replicas":        {func(s *kafka.Spec) { s.ReplicationFactor = 9 }, kafka.InvalidReplication, []string{"kafka.topics.replication_factor"}},
		"partitions":      {func(s *kafka.Spec) { s.Partitions = 0 }, kafka.InvalidPartitions, []string{"kafka.topics.partitions"}},
		"name":            {func(s *kafka.Spec) { s.Name = "no/slash" }, kafka.InvalidTopic, []string{"outbox.topic"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := kafka.Spec{Name: topic(t), Partitions: 1, ReplicationFactor: -1}
			tc.change(&spec)
			_, err := client.Create(t.Context(), spec)
			wantError(t, err, tc.kind, append(tc.says, spec.Name)...)
			wantError(t, client.Validate(t.Context(), spec), tc.kind, tc.says...)
		})
	}
}

func TestRequirementsOfTopics(t *testing.T) {
	o := plain(t)
	o.MaxMessageBytes = 1 << 20
	client := connect(t, o)
	name := topic(t)
	create := func(suffix string, config map[string]string) string {
		made := must(client.Create(t.Context(), kafka.Spec{Name: name + suffix, Partitions: 1, ReplicationFactor: 1, Config: config}))
		if !made {
			t.Fatalf("%s was there", name+suffix)
		}
		return name + suffix
	}
	good := create(".good", nil)
	small := create(".small", map[string]string{kafka.MaxMessageBytes: "1000"})
	strict := create(".strict", map[string]string{kafka.MinInsyncReplicas: "2"})
	compacted := create(".compacted", map[string]string{kafka.CleanupPolicy: "compact"})
	logtime := create(".logtime", map[string]string{kafka.TimestampType: "LogAppendTime"})
	skewed := create(".skewed", map[string]string{kafka.TimestampAfter: "1000"})
	narrow := create(".narrow.DLT", nil)
	recent := create(".recent", map[string]string{kafka.TimestampBefore: "3600000"})
	brief := create(".brief", map[string]string{kafka.Retention: "3600000"})
	want := kafka.Wanted{
		Topics: []string{good, small, strict, compacted, logtime, skewed, recent, brief, name + ".missing"}, DeadLetters: []string{good + ".DLT", good, narrow},
		Keyless: true, ColumnTime: true,
	}
	list := kafka.Requirements(t.Context(), o, want)
	wantRequirement(t, list, "connection", kafka.OK, o.Brokers[0])
	wantRequirement(t, list, "advertised brokers", kafka.OK, "1 of 1")
	wantRequirement(t, list, "broker version", kafka.OK, "Produce 8 (broker: ", "InitProducerId 4 (broker: ")
	wantRequirement(t, list, "idempotent producer", kafka.OK)
	wantRequirement(t, list, "topic "+good, kafka.OK, "partitions 1", "min.insync.replicas 1", "1h0m0s ahead")
	wantRequirement(t, list, "topic "+small, kafka.Warning, "max.message.bytes is 1000", "kafka.max_message_bytes (1048576)", "kafka-configs.sh")
	wantRequirement(t, list, "topic "+strict, kafka.Failed, "min.insync.replicas is 2", "refuses every record")
	wantRequirement(t, list, "topic "+compacted, kafka.Failed, "every record without a key", "outbox.key")
	wantRequirement(t, list, "topic "+logtime, kafka.Warning, "LogAppendTime")
	wantRequirement(t, list, "topic "+recent, kafka.Warning, "older than 1h0m0s is refused")
	wantRequirement(t, list, "topic "+brief, kafka.Warning, "retention.ms is 3600000, counted from outbox.timestamp", "kafka-configs.sh", "retention.ms=604800000")
	wantRequirement(t, list, "topic "+skewed, kafka.Warning, "more than 1s ahead")
	wantRequirement(t, list, "topic "+name+".missing", kafka.Failed, "walpost init", "kafka-topics.sh", name+".missing")
	wantRequirement(t, list, "dead letter topic "+good+".DLT", kafka.Failed, "does not exist")
	wantRequirement(t, list, "dead letter topic "+narrow, kafka.Warning, "max.message.bytes is 1048588", "without its value", "kafka-configs.sh", "max.message.bytes=2113536")
	wantGolden(t, "topics", list, "BROKER", o.Brokers[0], "NAME", name)
	if slices.ContainsFunc(list, func(q kafka.Requirement) bool { return q.Name == "dead letter topic "+good }) {
		t.Error("a topic is judged twice")
	}

	spec := kafka.Spec{Partitions: 1, ReplicationFactor: 1}
	want.Spec = func(name string) kafka.Spec { spec.Name = name; return spec }
	wantRequirement(t, kafka.Requirements(t.Context(), o, want), "topic "+name+".missing", kafka.OK, "creates it")
	spec.Config = map[string]string{kafka.MinInsyncReplicas: "2", kafka.MaxMessageBytes: "1000"}
	useless := kafka.Requirements(t.Context(), o, want)
	wantRequirement(t, useless, "topic "+name+".missing", kafka.Failed, "refuses every record", "kafka.topics.config: {min.insync.replicas: 1}")
	wantRequirement(t, useless, "topic "+name+".missing", kafka.Warning, "max.message.bytes is 1000", "kafka.topics.config: {max.message.bytes: ")
	spec.Config = map[string]string{kafka.Retention: "60000"}
	wantRequirement(t, kafka.Requirements(t.Context(), o, want), "topic "+name+".missing", kafka.Warning, "retention.ms is 60000", "kafka.topics.config: {retention.ms: ")
	spec.ReplicationFactor, spec.Config = 3, nil
	wantRequirement(t, kafka.Requirements(t.Context(), o, want), "topic "+name+".missing", kafka.Failed, "cannot be created", "kafka.topics.replication_factor")
	if found := must(client.Describe(t.Context(), name+".missing")); found[0].Exists {
		t.Error("check made a topic")
	}
}

// What a cluster with nothing to mend looks like, in full.
func TestRequirementsOfGoodCluster(t *testing.T) {
	o, name := plain(t), topic(t)
	o.MaxMessageBytes = 1 << 20
	client := connect(t, o)
	for suffix, config := range map[string]map[string]string{"": nil, ".DLT": {kafka.MaxMessageBytes: "2113536"}} {
		if _, err := client.Create(t.Context(), kafka.Spec{Name: name + suffix, Partitions: 4, ReplicationFactor: 1, Config: config}); err != nil {
			t.Fatal(err)
		}
	}
	list := kafka.Requirements(t.Context(), o, kafka.Wanted{Topics: []string{name}, DeadLetters: []string{name + ".DLT"}})
	wantGolden(t, "good", list, "BROKER", o.Brokers[0], "NAME", name)
}

// A broker of the list that is away is a warning while another answers; an
// advertised address that is away is a failure, since records go there.
func TestRequirementsOfBrokers(t *testing.T) {
	o := plain(t)
	o.Brokers = append([]string{devstacktest.FreeAddress(t)}, o.Brokers...)
	list := kafka.Requirements(t.Context(), o, kafka.Wanted{})
	wantRequirement(t, list, "connection", kafka.Warning, o.Brokers[0], "unreachable")
	wantRequirement(t, list, "connection", kafka.OK, o.Brokers[1])

	gone := devstacktest.FreeAddress(t)
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Settings: map[string]string{"advertised.listeners": "PLAINTEXT://" + gone}})
	o.Brokers = k.Bootstrap(devstack.Plaintext)
	list = kafka.Requirements(t.Context(), o, kafka.Wanted{})
	wantRequirement(t, list, "connection", kafka.OK)
	wantRequirement(t, list, "advertised broker", kafka.Failed, gone, "advertised.listeners")
	frozenBrokerLetsGo(t, k)
}

// A frozen broker takes the connection and says nothing: who asks is let go when
// the context ends.
func frozenBrokerLetsGo(t *testing.T, k *devstack.Kafka) {
	t.Helper()
	o := kafka.Options{Brokers: k.Bootstrap(devstack.Plaintext)}
	client := connect(t, o)
	if err := k.Broker(1).Pause(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Broker(1).Resume() })
	awaitFrozen(t, k.Broker(1).PID())
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := kafka.Connect(ctx, o); err == nil || !strings.Contains(err.Error(), o.Brokers[0]) {
		t.Errorf("connected: %v", err)
	}
	if _, err := client.Describe(ctx, "t"); err == nil {
		t.Error("described")
	}
	if made, err := client.Create(ctx, kafka.Spec{Name: "t", Partitions: 1, ReplicationFactor: 1}); err == nil || made {
		t.Error("created")
	}
	if took := time.Since(began); took > 12*time.Second { // without the context it is 15 s for each
		t.Errorf("let go after %v, though the context ended after 0.3 s", took)
	}
}

// awaitFrozen waits until every thread of a process has stopped: SIGSTOP is sent
// at once and obeyed later, and on a busy machine the broker goes on answering
// for some milliseconds.
func awaitFrozen(t *testing.T, pid int) {
	t.Helper()
	devstacktest.Await(t, fmt.Sprintf("process %d to stop", pid), func() bool { return frozen(t, pid) })
}

// frozen reads the state behind the program's name in proc(5)'s stat, which may
// hold blanks and brackets.
func frozen(t *testing.T, pid int) bool {
	t.Helper()
	threads := must(filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)))
	if len(threads) == 0 {
		t.Fatalf("process %d has no threads", pid)
	}
	for _, file := range threads {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		if _, state, ok := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" ")); !ok || state[0] != 'T' {
			return false
		}
	}
	return true
}

// topic makes a name that no other test has.
func topic(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(stack.Name(t), "_", ".")
}

// Retention counts from a record's time, so one that is shorter than an outage deletes
// what waited. Topics where nothing counts from it are let be.
func TestRow118_RetentionShorterThanAnOutage(t *testing.T) {
	o, name := plain(t), topic(t)
	client := connect(t, o)
	for suffix, tc := range map[string]struct {
		config map[string]string
		state  kafka.State
		says   []string
	}{
		".short":     {map[string]string{kafka.Retention: "3600000"}, kafka.Warning, []string{"retention.ms is 3600000", "the commit", "1h0m0s", "retention.ms=604800000"}},
		".both":      {map[string]string{kafka.Retention: "3600000", kafka.CleanupPolicy: "compact,delete"}, kafka.Warning, []string{"retention.ms is 3600000"}},
		".day":       {map[string]string{kafka.Retention: "86400000"}, kafka.OK, nil},
		".ever":      {map[string]string{kafka.Retention: "-1"}, kafka.OK, nil},
		".compacted": {map[string]string{kafka.Retention: "3600000", kafka.CleanupPolicy: "compact"}, kafka.OK, nil},
		".default":   {nil, kafka.OK, nil},
	} {
		must(client.Create(t.Context(), kafka.Spec{Name: name + suffix, Partitions: 1, ReplicationFactor: 1, Config: tc.config}))
		list := kafka.Requirements(t.Context(), o, kafka.Wanted{Topics: []string{name + suffix}})
		wantRequirement(t, list, "topic "+name+suffix, tc.state, tc.says...)
	}
}
