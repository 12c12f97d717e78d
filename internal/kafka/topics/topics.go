// Package topics describes, creates, alters and compares the topics of a cluster.
package topics

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// Admin describes, compares, creates and alters topics over a Client. Its errors are
// *Error.
type Admin struct{ *kafka.Client }

// OpenAdmin connects to the first broker of the list that answers.
func OpenAdmin(ctx context.Context, o kafka.Options) (Admin, error) {
	c, err := kafka.Connect(ctx, o)
	return Admin{c}, err
}

// The topic settings that Describe asks for.
const (
	MaxMessageBytes   = "max.message.bytes"
	MinInsyncReplicas = "min.insync.replicas"
	CleanupPolicy     = "cleanup.policy"
	TimestampType     = "message.timestamp.type"
	TimestampBefore   = "message.timestamp.before.max.ms" // since Kafka 3.6
	TimestampAfter    = "message.timestamp.after.max.ms"  // since Kafka 3.6
	Retention         = "retention.ms"
)

// Topic is what the cluster says of a topic.
type Topic struct {
	Name            string
	Exists          bool
	Err             error // why nothing is known of it, such as a missing right; nil when it is only missing
	Partitions      int
	Replicas        int               // of the partition that has the fewest
	InSync          int               // replicas in sync of the partition that has the fewest
	WithoutLeader   int               // partitions that have none at the moment
	UnderReplicated int               // partitions with a replica that is not in sync
	Config          map[string]string // nil: this principal may not read it (DescribeConfigs)

	operations rights
}

// rights is a set of operations, one bit for each of Kafka's codes (KIP-430).
type rights int32

// rightsUnknown stands where a broker does not report authorized operations.
const rightsUnknown rights = -1 << 31

func (r rights) has(op sarama.AclOperation) bool { return r&(1<<op) != 0 }

// MayWrite reports whether this principal may write to the topic, and whether the
// broker said so.
func (t *Topic) MayWrite() (may, known bool) {
	return t.operations.has(sarama.AclOperationWrite), t.operations != rightsUnknown
}

// MayRead reports whether this principal may read the topic, and whether the broker said
// so.
func (t *Topic) MayRead() (may, known bool) {
	return t.operations.has(sarama.AclOperationRead), t.operations != rightsUnknown
}

// Number returns a setting as an integer; false when it is not known.
func (t *Topic) Number(key string) (int64, bool) {
	n, err := strconv.ParseInt(t.Config[key], 10, 64)
	return n, err == nil
}

// Keeps returns how long the topic keeps a record, counted from the record's own time.
// It is false for a topic that keeps records for ever, or counts from when they were
// appended, and when that is not known.
func (t *Topic) Keeps() (time.Duration, bool) {
	ms, known := t.Number(Retention)
	policy := t.Config[CleanupPolicy] // "": of a topic to be made, whose default is delete
	if !known || ms < 0 || t.Config[TimestampType] == "LogAppendTime" || policy != "" && !strings.Contains(policy, "delete") {
		return 0, false
	}
	return Milliseconds(ms), true
}

// Milliseconds returns the duration of a setting; the longest stands for "no limit".
func Milliseconds(ms int64) time.Duration {
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// Describe asks for topics by name, and returns them in that order. Settings that this
// principal may not read are left out.
func (a Admin) Describe(ctx context.Context, names ...string) ([]Topic, error) {
	return a.describe(ctx, names, []string{
		MaxMessageBytes, MinInsyncReplicas, CleanupPolicy, TimestampType, TimestampBefore, TimestampAfter, Retention,
	})
}

// describe is Describe with these settings; nil asks for all of them.
func (a Admin) describe(ctx context.Context, names, keys []string) ([]Topic, error) {
	if len(names) == 0 {
		return nil, nil
	}
	const op = "describe topics"
	meta, err := a.Metadata(ctx, op, names...)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]Topic, len(meta.Topics))
	for _, m := range meta.Topics {
		byName[m.Name] = topicOf(m)
	}
	configs, err := a.configs(ctx, op, byName, keys)
	if err != nil {
		return nil, err
	}
	topics := make([]Topic, 0, len(names))
	for _, name := range names {
		t, ok := byName[name]
		if !ok {
			t = Topic{Name: name, Err: sarama.ErrIncompleteResponse}
		}
		t.Config = configs[name]
		topics = append(topics, t)
	}
	return topics, nil
}

func topicOf(m *sarama.TopicMetadata) Topic {
	t := Topic{Name: m.Name, operations: rights(m.TopicAuthorizedOperations)}
	switch m.Err {
	case sarama.ErrNoError, sarama.ErrLeaderNotAvailable:
		t.Exists = true
	case sarama.ErrUnknownTopicOrPartition:
		return t
	default:
		t.Err = m.Err
		return t
	}
	t.Partitions = len(m.Partitions)
	for i, p := range m.Partitions {
		if i == 0 || len(p.Replicas) < t.Replicas {
			t.Replicas = len(p.Replicas)
		}
		if i == 0 || len(p.Isr) < t.InSync {
			t.InSync = len(p.Isr)
		}
		if p.Leader < 0 {
			t.WithoutLeader++
		}
		if len(p.Isr) < len(p.Replicas) {
			t.UnderReplicated++
		}
	}
	return t
}

// configs asks for settings of the topics that are there; nil asks for all of them.
func (a Admin) configs(ctx context.Context, op string, topics map[string]Topic, keys []string) (map[string]map[string]string, error) {
	req := &sarama.DescribeConfigsRequest{Version: 4}
	for name, t := range topics {
		if !t.Exists {
			continue
		}
		req.Resources = append(req.Resources, &sarama.ConfigResource{Type: sarama.TopicResource, Name: name, ConfigNames: keys})
	}
	if len(req.Resources) == 0 {
		return nil, nil
	}
	res, err := kafka.Ask(ctx, a.Client, op, func(b *sarama.Broker) (*sarama.DescribeConfigsResponse, error) {
		return b.DescribeConfigs(req)
	})
	if err != nil {
		return nil, err
	}
	configs := map[string]map[string]string{}
	for _, r := range res.Resources {
		if r.ErrorCode != 0 {
			continue // most often no right to DescribeConfigs
		}
		configs[r.Name] = map[string]string{}
		for _, e := range r.Configs {
			configs[r.Name][e.Name] = e.Value
		}
	}
	return configs, nil
}
