package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

const deadLetterTopic = "dead letter topic"

// topics judges each topic of the file and the table.
func (c *Client) topics(ctx context.Context, want Wanted) []Requirement {
	kinds := map[string]string{}
	var names []string
	for _, of := range []struct {
		kind  string
		names []string
	}{{"topic", want.Topics}, {deadLetterTopic, want.DeadLetters}} {
		for _, name := range of.names {
			if kinds[name] == "" {
				kinds[name] = of.kind
				names = append(names, name)
			}
		}
	}
	found, err := c.Describe(ctx, names...)
	if err != nil {
		return []Requirement{{Name: "topics", State: Failed, Detail: err.Error(), Fix: "run check again"}}
	}
	brokers := 0
	if meta, err := c.session.metadata(ctx); err == nil { // Describe has just asked the same broker
		brokers = len(meta.Brokers)
	}
	var list []Requirement
	for i := range found {
		kind := kinds[found[i].Name]
		j := judge{c: c, want: want, dead: kind == deadLetterTopic, brokers: brokers, topic: &found[i], name: kind + " " + found[i].Name}
		j.all(ctx)
		list = append(list, j.list...)
	}
	return list
}

// judge collects the findings about one topic.
type judge struct {
	c       *Client
	want    Wanted
	dead    bool // it is a dead letter topic
	brokers int  // of the cluster; 0: not known
	topic   *Topic
	name    string
	list    []Requirement
}

func (j *judge) find(state State, fix, detail string, args ...any) {
	j.list = append(j.list, Requirement{Name: j.name, State: state, Detail: fmt.Sprintf(detail, args...), Fix: fix})
}

func (j *judge) all(ctx context.Context) {
	t := j.topic
	switch {
	case errors.Is(t.Err, sarama.ErrTopicAuthorizationFailed):
		j.find(Failed, j.c.options.grant("topic", t.Name, "Write", "Describe"), "%s may not write to it, nor see it", j.c.options.Principal())
		return
	case errors.Is(t.Err, sarama.ErrInvalidTopic):
		j.find(Failed, "see outbox.topic", "Kafka takes no such name")
		return
	case t.Err != nil:
		j.find(Failed, "run check again", "%s", serverText(t.Err))
		return
	case !t.Exists:
		j.missing(ctx)
		return
	}
	j.rights()
	j.settings()
	if len(j.list) == 0 {
		j.find(OK, "", "%s", t.summary()+j.ahead())
	}
}

// settings judges what the topic is set to, or will be when it is made.
func (j *judge) settings() {
	j.replicas()
	j.sizes()
	j.times()
	if j.want.Keyless && strings.Contains(j.topic.Config[CleanupPolicy], "compact") {
		j.find(Failed, "set outbox.key, or: "+j.alter(CleanupPolicy, "delete"), "it is compacted, and refuses every record without a key (outbox.key is \"\")")
	}
}

// missing judges a topic that is not there by whether it could be made.
func (j *judge) missing(ctx context.Context) {
	o, t := j.c.options, j.topic
	if j.want.Spec == nil {
		j.find(Failed, fmt.Sprintf("walpost init -c FILE, or set kafka.topics.create: true, or: kafka-topics.sh --bootstrap-server %s --create --topic %s",
			o.Brokers[0], quote(t.Name)), "it does not exist, and kafka.topics.create is false")
		return
	}
	spec := j.want.Spec(t.Name)
	if err := j.c.Validate(ctx, spec); err != nil {
		detail, fix := err.Error(), "see kafka.topics"
		if e, ok := errors.AsType[*Error](err); ok {
			detail = e.text
			if e.Hint != "" {
				fix = e.Hint
			}
		}
		j.find(Failed, fix, "it does not exist and cannot be created: %s", detail)
		return
	}
	// Kafka makes a topic that can take no record, so what is asked for is judged too.
	t.Config, t.Replicas, t.InSync = spec.Config, int(spec.ReplicationFactor), int(spec.ReplicationFactor)
	j.settings()
	if len(j.list) == 0 {
		j.find(OK, "", "it does not exist; run creates it at the first record")
	}
}

func (j *judge) rights() {
	may, told := j.topic.MayWrite()
	switch {
	case !told:
		j.find(Warning, "try it with a record", "the broker does not tell whether %s may write to it", j.c.options.Principal())
	case !may:
		j.find(Failed, j.c.options.grant("topic", j.topic.Name, "Write", "Describe"), "%s may not write to it", j.c.options.Principal())
	}
}

// replicas judges what acks=all needs.
func (j *judge) replicas() {
	t := j.topic
	if t.WithoutLeader > 0 {
		j.find(Failed, "bring back the brokers that hold them", "%d of %d partitions have no leader: records for them wait", t.WithoutLeader, t.Partitions)
	}
	if t.Replicas < 1 {
		return // it will be made with the broker's default
	}
	least, known := t.Number(MinInsyncReplicas)
	switch {
	case least > int64(t.Replicas):
		j.find(Failed, j.alter(MinInsyncReplicas, strconv.Itoa(t.Replicas))+", or add replicas",
			"min.insync.replicas is %d and it has %d: Kafka refuses every record", least, t.Replicas)
	case t.Replicas == 1 && j.brokers > 1:
		j.find(Warning, "give it more replicas (kafka-reassign-partitions.sh; kafka.topics.replication_factor for new topics)",
			"it has 1 replica: records that were acknowledged are lost with that broker")
	case !known:
	case least == 1 && j.brokers > 1:
		j.find(Warning, j.alter(MinInsyncReplicas, "2"),
			"min.insync.replicas is 1: a record is acknowledged with one copy while other brokers are away, and is lost with that broker")
	case least > int64(t.InSync):
		j.find(Warning, "bring back the brokers that are away", "a partition has %d replicas in sync and min.insync.replicas is %d: records for it wait", t.InSync, least)
	}
}

// sizes compares the topic's limit, which Kafka applies to a batch after
// compression, with the largest record that walpost lets through before it.
func (j *judge) sizes() {
	most, known := j.topic.Number(MaxMessageBytes)
	ours := int64(j.c.options.MaxMessageBytes)
	if j.dead {
		if room := ours + deadLetterHeaders; known && room > most {
			j.find(Warning, j.alter(MaxMessageBytes, strconv.FormatInt(2*room, 10)),
				"max.message.bytes is %d: a larger dead letter goes without its value, unless compression makes it fit; its record alone may have %d bytes (kafka.max_message_bytes), and one that is rejected as too large more",
				most, ours)
		}
		return
	}
	if known && ours > most {
		j.find(Warning, j.alter(MaxMessageBytes, strconv.FormatInt(ours+batchOverhead, 10))+", or lower kafka.max_message_bytes",
			"max.message.bytes is %d, less than kafka.max_message_bytes (%d): a record between them is rejected unless compression makes it fit", most, ours)
	}
}

// deadLetterHeaders is more than the headers of a dead letter add to its record.
const deadLetterHeaders = 8 << 10

// batchOverhead is more than a batch of one record adds to it.
const batchOverhead = 128

// times judges what the topic makes of time stamps.
func (j *judge) times() {
	if j.topic.Config[TimestampType] == "LogAppendTime" {
		j.find(Warning, "none if that is meant, else: "+j.alter(TimestampType, "CreateTime"), "message.timestamp.type is LogAppendTime: consumers see the broker's time, not the commit's")
		return
	}
	const day = 24 * time.Hour
	if keeps, known := j.topic.Keeps(); known && keeps < day {
		j.find(Warning, j.alter(Retention, strconv.FormatInt(7*day.Milliseconds(), 10)),
			"retention.ms is %d, counted from %s: what waits longer than %v in an outage may be deleted soon after it is published", keeps.Milliseconds(), j.stamp(), keeps)
	}
	if ms, known := j.topic.Number(TimestampBefore); known && ms < day.Milliseconds() {
		j.find(Warning, j.alter(TimestampBefore, strconv.FormatInt(math.MaxInt64, 10)),
			"message.timestamp.before.max.ms is %d: a backlog older than %v is refused", ms, milliseconds(ms))
	}
	if ms, known := j.topic.Number(TimestampAfter); known && ms < time.Minute.Milliseconds() {
		j.find(Warning, j.alter(TimestampAfter, strconv.FormatInt(time.Hour.Milliseconds(), 10)),
			"message.timestamp.after.max.ms is %d: records are refused when Postgres' clock is more than %v ahead of the broker's", ms, milliseconds(ms))
	}
}

// stamp words what time records have.
func (j *judge) stamp() string {
	if j.want.ColumnTime {
		return "outbox.timestamp"
	}
	return "the commit"
}

// milliseconds is a duration of a setting; the longest stands for "no limit".
func milliseconds(ms int64) time.Duration {
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// ahead says how far a column's time may lie ahead; a commit's never does.
func (j *judge) ahead() string {
	ms, known := j.topic.Number(TimestampAfter)
	if !known || !j.want.ColumnTime || ms == math.MaxInt64 {
		return ""
	}
	return fmt.Sprintf(", outbox.timestamp may lie %v ahead (%s)", milliseconds(ms), TimestampAfter)
}

// alter is the command that changes a setting of the topic, or the key of the
// file when the topic is still to be made.
func (j *judge) alter(key, value string) string {
	if !j.topic.Exists {
		return fmt.Sprintf("kafka.topics.config: {%s: %s}", key, value)
	}
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --topic %s --add-config %s=%s", j.c.options.Brokers[0], quote(j.topic.Name), key, value)
}

// summary words a topic that is in order.
func (t *Topic) summary() string {
	words := []string{fmt.Sprintf("partitions %d", t.Partitions), fmt.Sprintf("replicas %d", t.Replicas)}
	if t.Config == nil {
		return strings.Join(append(words, "settings not readable (DescribeConfigs)"), ", ")
	}
	for _, key := range []string{MinInsyncReplicas, MaxMessageBytes} {
		if v := t.Config[key]; v != "" {
			words = append(words, key+" "+v)
		}
	}
	return strings.Join(words, ", ")
}
