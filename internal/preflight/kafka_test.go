package preflight_test

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

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
)

func TestRequirementsOfTopics(t *testing.T) {
	o := kafkatest.Plain(t, &stack)
	o.MaxMessageBytes = 1 << 20
	client := kafkatest.Connect(t, o)
	name := kafkatest.TopicName(t, &stack)
	create := func(suffix string, config map[string]string) string {
		made := kafkatest.Must(client.Create(t.Context(), topics.Spec{
			Name: name + suffix, Partitions: 1, ReplicationFactor: 1, Config: config,
		}))
		if !made {
			t.Fatalf("%s was there", name+suffix)
		}
		return name + suffix
	}
	good := create(".good", nil)
	small := create(".small", map[string]string{topics.MaxMessageBytes: "1000"})
	strict := create(".strict", map[string]string{topics.MinInsyncReplicas: "2"})
	compacted := create(".compacted", map[string]string{topics.CleanupPolicy: "compact"})
	logtime := create(".logtime", map[string]string{topics.TimestampType: "LogAppendTime"})
	skewed := create(".skewed", map[string]string{topics.TimestampAfter: "1000"})
	narrow := create(".narrow.DLT", nil)
	recent := create(".recent", map[string]string{topics.TimestampBefore: "3600000"})
	brief := create(".brief", map[string]string{topics.Retention: "3600000"})
	want := preflight.KafkaExpectations{
		Topics:      []string{good, small, strict, compacted, logtime, skewed, recent, brief, name + ".missing"},
		DeadLetters: []string{good + ".DLT", good, narrow},
		Keyless:     true, ColumnTime: true,
	}
	list := preflight.Kafka(t.Context(), o, want)
	wantRequirement(t, list, "connection", preflight.OK, o.Brokers[0])
	wantRequirement(t, list, "advertised brokers", preflight.OK, "1 of 1")
	wantRequirement(t, list, "broker version", preflight.OK, "Produce 8 (broker: ", "InitProducerId 4 (broker: ")
	wantRequirement(t, list, "idempotent producer", preflight.OK)
	wantRequirement(t, list, "topic "+good, preflight.OK, "partitions 1", "min.insync.replicas 1", "1h0m0s ahead")
	wantRequirement(t, list, "topic "+small, preflight.Warning, "max.message.bytes is 1000",
		"kafka.max_message_bytes (1048576)", "kafka-configs.sh")
	wantRequirement(t, list, "topic "+strict, preflight.Failed, "min.insync.replicas is 2", "refuses every record")
	wantRequirement(t, list, "topic "+compacted, preflight.Failed, "every record without a key", "outbox.key")
	wantRequirement(t, list, "topic "+logtime, preflight.Warning, "LogAppendTime")
	wantRequirement(t, list, "topic "+recent, preflight.Warning, "older than 1h0m0s is refused")
	wantRequirement(t, list, "topic "+brief, preflight.Warning, "retention.ms is 3600000, counted from outbox.timestamp",
		"kafka-configs.sh", "retention.ms=604800000")
	wantRequirement(t, list, "topic "+skewed, preflight.Warning, "more than 1s ahead")
	wantRequirement(t, list, "topic "+name+".missing", preflight.Failed, "walpost init", "kafka-topics.sh", name+".missing")
	wantRequirement(t, list, "dead letter topic "+good+".DLT", preflight.Failed, "does not exist")
	wantRequirement(t, list, "dead letter topic "+narrow, preflight.Warning, "max.message.bytes is 1048588", "without its value",
		"kafka-configs.sh", "max.message.bytes=2113536")
	wantGolden(t, "topics", list, "BROKER", o.Brokers[0], "NAME", name)
	if slices.ContainsFunc(list, func(q preflight.Requirement) bool { return q.Name == "dead letter topic "+good }) {
		t.Error("a topic is checked twice")
	}

	spec := topics.Spec{Partitions: 1, ReplicationFactor: 1}
	want.Spec, want.Create = func(name string) topics.Spec { spec.Name = name; return spec }, true
	wantRequirement(t, preflight.Kafka(t.Context(), o, want), "topic "+name+".missing", preflight.OK, "creates it")
	spec.Config = map[string]string{topics.MinInsyncReplicas: "2", topics.MaxMessageBytes: "1000"}
	useless := preflight.Kafka(t.Context(), o, want)
	wantRequirement(t, useless, "topic "+name+".missing", preflight.Failed, "refuses every record",
		"kafka.topics.config: {min.insync.replicas: 1}")
	wantRequirement(t, useless, "topic "+name+".missing", preflight.Warning, "max.message.bytes is 1000",
		"kafka.topics.config: {max.message.bytes: ")
	spec.Config = map[string]string{topics.Retention: "60000"}
	wantRequirement(t, preflight.Kafka(t.Context(), o, want), "topic "+name+".missing", preflight.Warning, "retention.ms is 60000",
		"kafka.topics.config: {retention.ms: ")
	spec.ReplicationFactor, spec.Config = 3, nil
	wantRequirement(t, preflight.Kafka(t.Context(), o, want), "topic "+name+".missing", preflight.Failed, "cannot be created",
		"kafka.topics.replication_factor")
	if found := kafkatest.Must(client.Describe(t.Context(), name+".missing")); found[0].Exists {
		t.Error("check made a topic")
	}
}

// What a cluster with nothing to mend looks like, in full.
func TestRequirementsOfGoodCluster(t *testing.T) {
	o, name := kafkatest.Plain(t, &stack), kafkatest.TopicName(t, &stack)
	o.MaxMessageBytes = 1 << 20
	client := kafkatest.Connect(t, o)
	for suffix, config := range map[string]map[string]string{"": nil, ".DLT": {topics.MaxMessageBytes: "2113536"}} {
		if _, err := client.Create(t.Context(), topics.Spec{
			Name: name + suffix, Partitions: 4, ReplicationFactor: 1, Config: config,
		}); err != nil {
			t.Fatal(err)
		}
	}
	list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{Topics: []string{name}, DeadLetters: []string{name + ".DLT"}})
	wantGolden(t, "good", list, "BROKER", o.Brokers[0], "NAME", name)
}

// A broker of the list that is away is a warning while another answers; an
// advertised address that is away is a failure, since records go there.
func TestRequirementsOfBrokers(t *testing.T) {
	o := kafkatest.Plain(t, &stack)
	o.Brokers = append([]string{devstacktest.FreeAddress(t)}, o.Brokers...)
	list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{})
	wantRequirement(t, list, "connection", preflight.Warning, o.Brokers[0], "unreachable")
	wantRequirement(t, list, "connection", preflight.OK, o.Brokers[1])

	gone := devstacktest.FreeAddress(t)
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Settings: map[string]string{"advertised.listeners": "PLAINTEXT://" + gone}})
	o.Brokers = k.Bootstrap(devstack.Plaintext)
	list = preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{})
	wantRequirement(t, list, "connection", preflight.OK)
	wantRequirement(t, list, "advertised broker", preflight.Failed, gone, "advertised.listeners")
	frozenBrokerLetsGo(t, k)
}

// A frozen broker takes the connection and says nothing: who asks is let go when
// the context ends.
func frozenBrokerLetsGo(t *testing.T, k *devstack.Kafka) {
	t.Helper()
	o := kafka.Options{Brokers: k.Bootstrap(devstack.Plaintext)}
	client := kafkatest.Connect(t, o)
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
	if made, err := client.Create(ctx, topics.Spec{Name: "t", Partitions: 1, ReplicationFactor: 1}); err == nil || made {
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

// frozen reports whether a process is stopped, by the state in its stat file (proc(5)).
// The state follows the program's name, which may contain blanks and brackets.
func frozen(t *testing.T, pid int) bool {
	t.Helper()
	threads := kafkatest.Must(filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)))
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

// Retention counts from a record's time, so one that is shorter than an outage deletes
// what waited. Topics where nothing counts from it are let be.
func TestRow118_RetentionShorterThanAnOutage(t *testing.T) {
	o, name := kafkatest.Plain(t, &stack), kafkatest.TopicName(t, &stack)
	client := kafkatest.Connect(t, o)
	for suffix, tc := range map[string]struct {
		config map[string]string
		state  preflight.State
		says   []string
	}{
		".short": {
			map[string]string{topics.Retention: "3600000"},
			preflight.Warning,
			[]string{"retention.ms is 3600000", "the commit", "1h0m0s", "retention.ms=604800000"},
		},
		".both": {
			map[string]string{topics.Retention: "3600000", topics.CleanupPolicy: "compact,delete"},
			preflight.Warning,
			[]string{"retention.ms is 3600000"},
		},
		".day":       {map[string]string{topics.Retention: "86400000"}, preflight.OK, nil},
		".ever":      {map[string]string{topics.Retention: "-1"}, preflight.OK, nil},
		".compacted": {map[string]string{topics.Retention: "3600000", topics.CleanupPolicy: "compact"}, preflight.OK, nil},
		".default":   {nil, preflight.OK, nil},
	} {
		kafkatest.Must(client.Create(t.Context(), topics.Spec{Name: name + suffix, Partitions: 1, ReplicationFactor: 1, Config: tc.config}))
		list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{Topics: []string{name + suffix}})
		wantRequirement(t, list, "topic "+name+suffix, tc.state, tc.says...)
	}
}

// The demo's fallback must pass what check asks.
func TestRequirementsOfTheFake(t *testing.T) {
	fake := kafkatest.Must(kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t")))
	t.Cleanup(fake.Close)
	o := kafka.Options{Brokers: fake.ListenAddrs()}
	for _, q := range preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{Topics: []string{"t"}}) {
		if q.State == preflight.Failed {
			t.Errorf("%+v", q)
		}
	}
}

// wantRequirement fails the test unless a finding of that name has the state and
// says the words in detail or fix.
func wantRequirement(t *testing.T, list []preflight.Requirement, name string, state preflight.State, words ...string) {
	t.Helper()
	for _, q := range list {
		if q.Name != name || q.State != state {
			continue
		}
		for _, w := range words {
			if !strings.Contains(q.Detail+"\n"+q.Fix, w) {
				t.Errorf("%q is not in %+v", w, q)
			}
		}
		if (q.Fix == "") != (q.State == preflight.OK) || strings.Contains(q.Detail+q.Fix, kafkatest.Canary) {
			t.Errorf("%+v", q)
		}
		return
	}
	t.Errorf("no %v finding %q in %+v", state, name, list)
}
