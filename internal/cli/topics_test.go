package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// declared are topics by their names, with their keys.
type declared map[string]map[string]any

// settings are those of a topic.
type settings = map[string]any

// declaring writes a file that declares topics on these brokers. Postgres is never
// asked.
func declaring(t *testing.T, brokers []string, topics declared) string {
	t.Helper()
	return declaredIn("shop", brokers, topics).File(t)
}

func declaredIn(name string, brokers []string, topics declared) keys {
	return unasked(name).With(keys{
		"kafka.brokers": brokers, "kafka.topics.config": settings{"retention.ms": 3600000}, "kafka.topics.declare": topics,
	})
}

// shared is the way to the shared cluster, and a client to look with.
func shared(t *testing.T) ([]string, topics.Admin) {
	t.Helper()
	brokers := stack.Kafka(t).Bootstrap(devstack.Plaintext)
	return brokers, client(t, brokers)
}

func client(t *testing.T, brokers []string) topics.Admin {
	t.Helper()
	c, err := topics.OpenAdmin(t.Context(), kafka.Options{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func look(t *testing.T, c topics.Admin, topic string) topics.Topic {
	t.Helper()
	found, err := c.Describe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func TestTopicsAreMadeAsDeclaredOnce(t *testing.T) {
	t.Parallel()
	brokers, c := shared(t)
	name := stack.Name(t)
	file := declaring(t, brokers,
		declared{
			name + ".events": {"partitions": 3, "replication_factor": 1, "config": settings{
				"cleanup.policy": "compact, delete", "min.cleanable.dirty.ratio": "0.50", "min.insync.replicas": 1,
			}},
			name + ".other": {},
		})
	walpost(t, "topics", "plan", "-c", file).want(t, 6, "create topic "+name+".events", "partitions: 3", "retention.ms: 3600000",
		"create topic "+name+".other")
	if look(t, c, name+".events").Exists {
		t.Fatal("plan made a topic")
	}
	walpostWith(t, "no\n", "topics", "apply", "-c", file).want(t, 2, "nothing was done")
	if look(t, c, name+".events").Exists {
		t.Fatal("a topic was made without a yes")
	}
	walpostWith(t, "yes\n", "topics", "apply", "-c", file).want(t, 0, "created topic "+name+".events", "created topic "+name+".other")
	made := look(t, c, name+".events")
	if made.Partitions != 3 || made.Replicas != 1 || made.Config[topics.CleanupPolicy] == "delete" {
		t.Errorf("%+v", made)
	}
	// Kafka prints 0.50 as 0.5: that is no difference.
	walpost(t, "topics", "plan", "-c", file).want(t, 0, "2 topics are as declared")
	r := walpost(t, "topics", "apply", "--yes", "-c", file)
	r.want(t, 0, "as declared")
	if strings.Contains(r.out, "created") || strings.Contains(r.out, "changed") {
		t.Errorf("applied again:\n%s", r.out)
	}
}

func TestTopicsAreChangedWithoutTouchingTheRest(t *testing.T) {
	t.Parallel()
	brokers, c := shared(t)
	name := stack.Name(t)
	if _, err := c.Create(t.Context(), topics.Spec{
		Name: name, Partitions: 2, ReplicationFactor: 1, Config: map[string]string{"retention.ms": "1000", topics.MaxMessageBytes: "2000"},
	}); err != nil {
		t.Fatal(err)
	}
	file := declaring(t, brokers, declared{name: {"partitions": 4, "config": settings{"retention.ms": 86400000}}})
	r := walpost(t, "topics", "plan", "--json", "-c", file)
	r.want(t, 6)
	var plan []struct {
		Relay  string
		Topics []struct {
			Topic, Action string
			KeysMove      bool `json:"keys_move"`
			Changes       []struct{ Setting, From, To string }
		}
	}
	if err := json.Unmarshal([]byte(r.out), &plan); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", plan); got != "[{Relay:shop Topics:[{Topic:"+name+
		" Action:change KeysMove:true Changes:[{Setting:partitions From:2 To:4} {Setting:retention.ms From:1000 To:86400000}]}]}]" {
		t.Error(got)
	}
	walpost(t, "topics", "apply", "--yes", "-c", file).want(t, 2, "keys move", "nothing was done", "--add-partitions")
	if was := look(t, c, name); was.Partitions != 2 {
		t.Fatalf("%+v", was)
	}
	walpost(t, "topics", "apply", "--yes", "--add-partitions", "-c", file).want(t, 0, "changed topic "+name)
	is := look(t, c, name)
	if is.Partitions != 4 || is.Config[topics.MaxMessageBytes] != "2000" {
		t.Errorf("%+v", is)
	}
	walpost(t, "topics", "plan", "-c", file).want(t, 0, "1 topic is as declared")

	// What the file no longer says stays as it is.
	walpost(t, "topics", "plan", "-c", declaring(t, brokers, declared{name: {}})).want(t, 0)
}

func TestTopicsAreNeverLowered(t *testing.T) {
	t.Parallel()
	brokers, c := shared(t)
	name := stack.Name(t)
	if _, err := c.Create(t.Context(), topics.Spec{Name: name, Partitions: 4, ReplicationFactor: 1}); err != nil {
		t.Fatal(err)
	}
	file := declaring(t, brokers, declared{name: {"partitions": 2, "replication_factor": 2, "config": settings{"retention.ms": 5000}}})
	walpost(t, "topics", "plan", "-c", file).want(t, 3, "partitions: 4 -> 2", "not done by walpost: Kafka cannot take partitions away",
		"set kafka.topics.declare."+name+".partitions to 4", "replication_factor: 1 -> 2", "kafka-reassign-partitions.sh")
	walpost(t, "topics", "apply", "--yes", "--add-partitions", "-c", file).want(t, 3, "changed topic "+name, "left to a person")
	if is := look(t, c, name); is.Partitions != 4 || is.Replicas != 1 {
		t.Errorf("%+v", is)
	}
	walpost(t, "topics", "plan", "-c", declaring(t, brokers, declared{name: {"config": settings{"retention.ms": 5000}}})).want(t, 0)
}

func TestTopicsThatKafkaWouldRefuse(t *testing.T) {
	t.Parallel()
	brokers, c := shared(t)
	name := stack.Name(t)
	if _, err := c.Create(t.Context(), topics.Spec{Name: name, Partitions: 1, ReplicationFactor: 1}); err != nil {
		t.Fatal(err)
	}
	refused := func(topic string, keys map[string]any, key string) {
		file := declaring(t, brokers, declared{topic: keys})
		want := "see kafka.topics.declare." + topic + "." + key
		walpost(t, "topics", "plan", "-c", file).want(t, 3, want)
		walpost(t, "topics", "apply", "--yes", "-c", file).want(t, 3, want)
	}
	refused(name, settings{"config": settings{"retention.ms": "soon"}}, "config.retention.ms")
	refused(name, settings{"config": settings{"no.such.key": 1}}, "config.no.such.key")
	refused(name+".new", settings{"replication_factor": 9}, "replication_factor")
	refused(name+".new", settings{"config": settings{"cleanup.policy": "tidy"}}, "config.cleanup.policy")
	// Kafka takes it, and refuses every record then.
	strict := declaring(t, brokers, declared{name: {"config": settings{"min.insync.replicas": 2, "retention.ms": 7000}}})
	walpost(t, "topics", "apply", "--yes", "-c", strict).want(t, 3, "not done by walpost: a partition has 1 replicas in sync",
		"changed topic "+name)
	if least := look(t, c, name).Config[topics.MinInsyncReplicas]; least != "1" {
		t.Errorf("min.insync.replicas is %s", least)
	}
	if look(t, c, name+".new").Exists {
		t.Error("made, though it was refused")
	}
	r := walpost(t, "topics", "plan", "-c", declaring(t, []string{"127.0.0.1:1"}, declared{name: {}}))
	r.want(t, 3, "127.0.0.1:1")
	if strings.Contains(r.err, "canary") {
		t.Error("a secret is shown")
	}
}

func TestTopicsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	brokers, _ := shared(t)
	name := stack.Name(t)
	none := unasked("none").With(keys{"kafka.brokers": brokers}).File(t)
	walpost(t, "topics", "plan", "-c", none).want(t, 2, "no topics are declared", "kafka.topics.declare")
	one := declaring(t, brokers, declared{name: {"partitions": 1}})
	walpost(t, "topics", "plan", "-c", one, "-c", none).want(t, 6, "shop: create topic "+name, "none: 0 topics are as declared")
	other := declaredIn("other", brokers, declared{name: {"partitions": 2}}).File(t)
	walpost(t, "topics", "plan", "-c", one, "-c", other).want(t, 2, "declare topic "+name+" differently", one, other)
	walpost(t, "topics", "apply", "--json", "-c", one).want(t, 2, "--json needs --yes")
}

func TestTopicsOnThreeBrokers(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Brokers: 3})
	brokers := k.Bootstrap(devstack.Plaintext)
	c := client(t, brokers)
	file := declaring(t, brokers, declared{
		"orders": {"partitions": 3, "replication_factor": 3, "config": settings{"min.insync.replicas": 2}},
		"sent":   {"replication_factor": 2},
	})
	walpost(t, "topics", "apply", "--yes", "-c", file).want(t, 0, "created topic orders", "created topic sent")
	walpost(t, "topics", "plan", "-c", file).want(t, 0)
	if is := look(t, c, "orders"); is.Replicas != 3 || is.Partitions != 3 || is.Config[topics.MinInsyncReplicas] != "2" {
		t.Errorf("%+v", is)
	}
	more := declaring(t, brokers, declared{
		"orders": {"partitions": 6, "config": settings{"min.insync.replicas": 1}}, "sent": {"replication_factor": 3},
	})
	walpost(t, "topics", "apply", "--yes", "--add-partitions", "-c", more).want(t, 3, "changed topic orders", "replication_factor: 2 -> 3")
	if is := look(t, c, "orders"); is.Replicas != 3 || is.Partitions != 6 || is.Config[topics.MinInsyncReplicas] != "1" {
		t.Errorf("%+v", is)
	}
	if is := look(t, c, "sent"); is.Replicas != 2 {
		t.Errorf("%+v", is)
	}
}
