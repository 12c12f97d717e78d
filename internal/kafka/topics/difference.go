package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// Difference is what sets a topic of the cluster apart from its declaration.
type Difference struct {
	Topic   string
	Missing bool // the topic is not there: Changes are how it will be made
	Changes []Change
}

// Change is one setting that is not as declared.
type Change struct {
	Setting string // partitions, replication_factor, or a topic setting such as retention.ms
	From    string // "" where the topic is not there
	To      string
	Blocked string // why it is left to a person, and what to do; "" when Apply makes it
}

// The settings of a topic that are not among its topic settings.
const (
	Partitions        = "partitions"
	ReplicationFactor = "replication_factor"
)

// Blocked reports whether something is left to a person.
func (d *Difference) Blocked() bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Blocked != "" })
}

// Applicable reports whether Apply has something to do.
func (d *Difference) Applicable() bool {
	return d.Missing || slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Blocked == "" })
}

// AddsPartitions reports whether records of a key may go to another partition than
// those before them.
func (d *Difference) AddsPartitions() bool { return !d.Missing && d.change(Partitions) != nil }

func (d *Difference) change(setting string) *Change {
	i := slices.IndexFunc(d.Changes, func(c Change) bool { return c.Setting == setting && c.Blocked == "" })
	if i < 0 {
		return nil
	}
	return &d.Changes[i]
}

// Compare returns the topics that are not as declared. -1 and settings that are left
// out are not compared. create is how a missing topic is created.
func (a Admin) Compare(ctx context.Context, declared []Spec, create func(name string) Spec) ([]Difference, error) {
	names := make([]string, 0, len(declared))
	for _, s := range declared {
		names = append(names, s.Name)
	}
	topics, err := a.describe(ctx, names, nil)
	if err != nil {
		return nil, err
	}
	var found []Difference
	for i, s := range declared {
		t := &topics[i]
		if err := a.comparable(t, s); err != nil {
			return nil, err
		}
		d := Difference{Topic: s.Name, Missing: !t.Exists}
		if d.Missing {
			d.Changes = creation(create(s.Name))
		} else {
			d.Changes = compare(t, s)
		}
		if d.Missing || len(d.Changes) > 0 {
			found = append(found, d)
		}
	}
	return found, nil
}

// comparable returns why a topic cannot be compared: this principal may not see it, or
// not its settings.
func (a Admin) comparable(t *Topic, s Spec) error {
	op := "compare topic " + s.Name
	switch {
	case errors.Is(t.Err, sarama.ErrTopicAuthorizationFailed), t.Exists && t.Config == nil && len(s.Config) > 0:
		explained := a.Explain(op, sarama.ErrTopicAuthorizationFailed)
		if e, ok := errors.AsType[*kafka.Error](explained); ok {
			e.Text = fmt.Sprintf("%s may not see it and its settings", a.Options().Principal())
			e.Hint = "grant it: " + a.Options().Grant("topic", s.Name, "Describe", "DescribeConfigs")
		}
		return explained
	case t.Err != nil:
		return a.Explain(op, t.Err)
	default:
		return nil
	}
}

// creation lists how a topic is created.
func creation(s Spec) []Change {
	changes := []Change{
		{Setting: Partitions, To: orBroker(int64(s.Partitions))},
		{Setting: ReplicationFactor, To: orBroker(int64(s.ReplicationFactor))},
	}
	for _, key := range slices.Sorted(maps.Keys(s.Config)) {
		changes = append(changes, Change{Setting: key, To: s.Config[key]})
	}
	return changes
}

func orBroker(n int64) string {
	if n < 0 {
		return "the broker's default"
	}
	return strconv.FormatInt(n, 10)
}

// compare returns what is not as declared of a topic that is there.
func compare(t *Topic, s Spec) []Change {
	var changes []Change
	if s.Partitions >= 0 && int(s.Partitions) != t.Partitions {
		change := Change{Setting: Partitions, From: strconv.Itoa(t.Partitions), To: strconv.Itoa(int(s.Partitions))}
		if int(s.Partitions) < t.Partitions {
			change.Blocked = "Kafka cannot take partitions away: set " + s.key(Partitions) + " to " + change.From +
				", or make a topic of another name"
		}
		changes = append(changes, change)
	}
	if s.ReplicationFactor >= 0 && int(s.ReplicationFactor) != t.Replicas {
		changes = append(changes, Change{
			Setting: ReplicationFactor, From: strconv.Itoa(t.Replicas), To: strconv.Itoa(int(s.ReplicationFactor)),
			Blocked: "it moves data between brokers: use kafka-reassign-partitions.sh, or set " +
				s.key(ReplicationFactor) + " to " + strconv.Itoa(t.Replicas),
		})
	}
	for _, key := range slices.Sorted(maps.Keys(s.Config)) {
		if from, want := t.Config[key], s.Config[key]; !sameSetting(from, want) {
			changes = append(changes, Change{Setting: key, From: from, To: want, Blocked: tooManyInSync(t, s, key, want)})
		}
	}
	return changes
}

// tooManyInSync returns why a setting is left to a person that Kafka takes, and after
// which no record could be written: more replicas must be in sync than are.
func tooManyInSync(t *Topic, s Spec, key, want string) string {
	least, err := strconv.Atoi(want)
	if key != MinInsyncReplicas || err != nil || least <= t.InSync {
		return ""
	}
	return fmt.Sprintf("a partition has %d replicas in sync, so no record could be written: add replicas or bring back brokers first, "+
		"or lower %s",
		t.InSync, s.key("config."+key))
}

// sameSetting reports whether two values are the same to Kafka: 0.50 is 0.5, TRUE is true, and
// "compact, delete" is "delete,compact".
func sameSetting(a, b string) bool {
	return a == b || slices.Equal(settingParts(a), settingParts(b))
}

func settingParts(text string) []string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if n, err := strconv.ParseInt(p, 10, 64); err == nil {
			p = strconv.FormatInt(n, 10)
		} else if f, err := strconv.ParseFloat(p, 64); err == nil {
			p = strconv.FormatFloat(f, 'g', -1, 64)
		} else if strings.EqualFold(p, "true") || strings.EqualFold(p, "false") {
			p = strings.ToLower(p)
		}
		parts[i] = p
	}
	slices.Sort(parts)
	return parts
}
