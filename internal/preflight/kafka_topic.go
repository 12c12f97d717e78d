package preflight

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// The kinds of topics, as the lines of check name them.
const (
	recordTopic             = "topic"
	deadLetterTopic         = "dead letter topic"
	consumerDeadLetterTopic = "dead letter topic of consumers"
)

// topics checks each topic of the file and the table.
func (c *clusterChecker) topics(ctx context.Context, want KafkaExpectations) []Requirement {
	kinds := map[string]string{}
	var names []string
	var positions []string
	if want.ExactlyOnce != nil {
		positions = []string{want.ExactlyOnce.PositionTopic}
	}
	for _, of := range []struct {
		kind  string
		names []string
	}{
		{recordTopic, want.Topics},
		{deadLetterTopic, want.DeadLetters},
		{consumerDeadLetterTopic, want.ConsumerDeadLetters},
		{positionTopic, positions},
	} {
		for _, name := range of.names {
			if kinds[name] == "" {
				kinds[name] = of.kind
				names = append(names, name)
			}
		}
	}
	admin := topics.Admin{Client: c.client}
	found, err := admin.Describe(ctx, names...)
	if err != nil {
		return []Requirement{{Name: "topics", State: Failed, Detail: err.Error(), Fix: "run check again"}}
	}
	brokers := 0
	if meta, err := c.client.Metadata(ctx, "ask for brokers"); err == nil { // Describe has just asked the same broker
		brokers = len(meta.Brokers)
	}
	var list []Requirement
	for i := range found {
		kind := kinds[found[i].Name]
		t := topicChecker{
			admin: admin, options: c.options, want: want, brokers: brokers,
			topic: &found[i], kind: kind, name: kind + " " + found[i].Name,
		}
		list = append(list, t.check(ctx)...)
	}
	return list
}

// topicChecker collects the requirements of one topic.
type topicChecker struct {
	admin   topics.Admin
	options kafka.Options
	want    KafkaExpectations
	brokers int // of the cluster; 0: not known
	topic   *topics.Topic
	kind    string
	name    string
	list    []Requirement
}

func (c *topicChecker) add(state State, fix, detail string, args ...any) {
	c.list = append(c.list, Requirement{Name: c.name, State: state, Detail: fmt.Sprintf(detail, args...), Fix: fix})
}

func (c *topicChecker) check(ctx context.Context) []Requirement {
	t := c.topic
	switch {
	case errors.Is(t.Err, sarama.ErrTopicAuthorizationFailed) && c.kind == consumerDeadLetterTopic:
		c.add(OK, "", "%s may not see it, and need not", c.options.Principal())
		return c.list
	case errors.Is(t.Err, sarama.ErrTopicAuthorizationFailed):
		c.add(Failed, c.options.Grant("topic", t.Name, "Write", "Describe"), "%s may not write to it, nor see it", c.options.Principal())
		return c.list
	case errors.Is(t.Err, sarama.ErrInvalidTopic):
		c.add(Failed, "see outbox.topic", "Kafka does not accept the name")
		return c.list
	case t.Err != nil:
		c.add(Failed, "run check again", "%s", kafka.ServerText(t.Err))
		return c.list
	case !t.Exists:
		c.missing(ctx)
		return c.list
	}
	if c.kind == consumerDeadLetterTopic { // the relay does not write it
		c.sizes()
	} else {
		c.rights()
		c.settings()
	}
	if len(c.list) == 0 {
		c.add(OK, "", "%s", summary(t)+c.ahead())
	}
	return c.list
}

// settings checks what the topic is set to, or will be when it is made.
func (c *topicChecker) settings() {
	c.replicas()
	if c.kind == positionTopic {
		c.position()
		return
	}
	c.sizes()
	c.times()
	if c.want.Keyless && strings.Contains(c.topic.Config[topics.CleanupPolicy], "compact") {
		c.add(Failed, "set outbox.key, or: "+c.alter(topics.CleanupPolicy, "delete"),
			"it is compacted, and refuses every record without a key (outbox.key is \"\")")
	}
}

// missing checks whether a topic that is not there could be created.
func (c *topicChecker) missing(ctx context.Context) {
	t, spec := c.topic, topics.Spec{Name: c.topic.Name, Partitions: -1, ReplicationFactor: -1}
	if c.want.Spec != nil {
		spec = c.want.Spec(t.Name)
	}
	command := spec.Command(c.options.Brokers[0])
	switch {
	case c.kind == consumerDeadLetterTopic:
		c.add(Warning, "walpost topics apply -c FILE, or walpost init -c FILE, or: "+command,
			"it does not exist, and the consumers that write dead letters to it do not start")
		return
	case !c.want.Create:
		c.add(Failed, "walpost init -c FILE, or set kafka.topics.create: true, or: "+command,
			"it does not exist, and kafka.topics.create is false")
		return
	}
	if err := c.admin.Validate(ctx, spec); err != nil {
		detail, fix := err.Error(), "see kafka.topics"
		if e, ok := errors.AsType[*kafka.Error](err); ok {
			detail = e.Text
			if e.Hint != "" {
				fix = e.Hint
			}
		}
		c.add(Failed, fix, "it does not exist and cannot be created: %s", detail)
		return
	}
	// Kafka makes a topic that can take no record, so what is asked for is checked too.
	t.Config, t.Replicas, t.InSync = spec.Config, int(spec.ReplicationFactor), int(spec.ReplicationFactor)
	c.settings()
	if len(c.list) == 0 {
		c.add(OK, "", "it does not exist; run creates it at the first record")
	}
}

func (c *topicChecker) rights() {
	may, known := c.topic.MayWrite()
	switch {
	case !known:
		c.add(Warning, "try it with a record", "the broker does not tell whether %s may write to it", c.options.Principal())
	case !may:
		c.add(Failed, c.options.Grant("topic", c.topic.Name, "Write", "Describe"), "%s may not write to it", c.options.Principal())
	}
}

// replicas checks what acks=all needs.
func (c *topicChecker) replicas() {
	t := c.topic
	if t.WithoutLeader > 0 {
		c.add(Failed, "bring back the brokers that hold them", "%d of %d partitions have no leader: records for them wait",
			t.WithoutLeader, t.Partitions)
	}
	if t.Replicas < 1 {
		return // it will be made with the broker's default
	}
	least, known := t.Number(topics.MinInsyncReplicas)
	switch {
	case least > int64(t.Replicas):
		c.add(Failed, c.alter(topics.MinInsyncReplicas, strconv.Itoa(t.Replicas))+", or add replicas",
			"min.insync.replicas is %d and it has %d: Kafka refuses every record", least, t.Replicas)
	case t.Replicas == 1 && c.brokers > 1:
		c.add(Warning, "give it more replicas (kafka-reassign-partitions.sh; kafka.topics.replication_factor for new topics)",
			"it has 1 replica: records that were acknowledged are lost with that broker")
	case !known:
	case least == 1 && c.brokers > 1:
		c.add(Warning, c.alter(topics.MinInsyncReplicas, "2"),
			"min.insync.replicas is 1: a record is acknowledged with one copy while other brokers are away, and is lost with that broker")
	case least > int64(t.InSync):
		c.add(Warning, "bring back the brokers that are away",
			"a partition has %d replicas in sync and min.insync.replicas is %d: records for it wait", t.InSync, least)
	}
}

// sizes compares the topic's limit, which Kafka applies to a batch after
// compression, with the largest record that walpost lets through before it.
func (c *topicChecker) sizes() {
	most, known := c.topic.Number(topics.MaxMessageBytes)
	ours := int64(c.options.MaxMessageBytes)
	if c.kind != recordTopic {
		if known && topics.DeadLetterBytes(ours) > most {
			c.add(Warning, c.alter(topics.MaxMessageBytes, strconv.FormatInt(topics.DeadLetterLimit(ours), 10)),
				"max.message.bytes is %d: a larger dead letter goes without its value, unless compression makes it fit; its record "+
					"alone may have %d bytes (kafka.max_message_bytes), and one that is rejected as too large more",
				most, ours)
		}
		return
	}
	if known && ours > most {
		c.add(Warning, c.alter(topics.MaxMessageBytes, strconv.FormatInt(ours+batchOverhead, 10))+", or lower kafka.max_message_bytes",
			"max.message.bytes is %d, less than kafka.max_message_bytes (%d): a record between them is rejected unless compression "+
				"makes it fit", most, ours)
	}
}

// batchOverhead is more than a batch of one record adds to it.
const batchOverhead = 128

// times checks what the topic does with timestamps.
func (c *topicChecker) times() {
	if c.topic.Config[topics.TimestampType] == "LogAppendTime" {
		c.add(Warning, "none if that is meant, else: "+c.alter(topics.TimestampType, "CreateTime"),
			"message.timestamp.type is LogAppendTime: consumers see the broker's time, not the commit's")
		return
	}
	const day = 24 * time.Hour
	if keeps, known := c.topic.Keeps(); known && keeps < day {
		c.add(Warning, c.alter(topics.Retention, strconv.FormatInt(7*day.Milliseconds(), 10)),
			"retention.ms is %d, counted from %s: what waits longer than %v in an outage may be deleted soon after it is published",
			keeps.Milliseconds(), c.recordTime(), keeps)
	}
	if ms, known := c.topic.Number(topics.TimestampBefore); known && ms < day.Milliseconds() {
		c.add(Warning, c.alter(topics.TimestampBefore, strconv.FormatInt(math.MaxInt64, 10)),
			"message.timestamp.before.max.ms is %d: a backlog older than %v is refused", ms, topics.Milliseconds(ms))
	}
	if ms, known := c.topic.Number(topics.TimestampAfter); known && ms < time.Minute.Milliseconds() {
		c.add(Warning, c.alter(topics.TimestampAfter, strconv.FormatInt(time.Hour.Milliseconds(), 10)),
			"message.timestamp.after.max.ms is %d: records are refused when Postgres' clock is more than %v ahead of the broker's", ms,
			topics.Milliseconds(ms))
	}
}

// recordTime names the time that records have.
func (c *topicChecker) recordTime() string {
	if c.want.ColumnTime {
		return "outbox.timestamp"
	}
	return "the commit"
}

// ahead returns how far in the future a column's time may be; that of a commit never is.
func (c *topicChecker) ahead() string {
	ms, known := c.topic.Number(topics.TimestampAfter)
	if !known || !c.want.ColumnTime || ms == math.MaxInt64 {
		return ""
	}
	return fmt.Sprintf(", outbox.timestamp may lie %v ahead (%s)", topics.Milliseconds(ms), topics.TimestampAfter)
}

// alter returns the command that changes a setting of the topic, or the key of the
// file when the topic is still to be made.
func (c *topicChecker) alter(key, value string) string {
	if !c.topic.Exists {
		return fmt.Sprintf("kafka.topics.config: {%s: %s}", key, value)
	}
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --topic %s --add-config %s=%s", c.options.Brokers[0],
		kafka.ShellWord(c.topic.Name), key, value)
}

// summary describes a topic that is in order.
func summary(t *topics.Topic) string {
	words := []string{fmt.Sprintf("partitions %d", t.Partitions), fmt.Sprintf("replicas %d", t.Replicas)}
	if t.Config == nil {
		return strings.Join(append(words, "settings not readable (DescribeConfigs)"), ", ")
	}
	for _, key := range []string{topics.MinInsyncReplicas, topics.MaxMessageBytes} {
		if v := t.Config[key]; v != "" {
			words = append(words, key+" "+v)
		}
	}
	return strings.Join(words, ", ")
}
