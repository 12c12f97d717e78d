package topics

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// Apply makes a topic as declared, except for what is Blocked: it creates the topic, sets
// settings, adds partitions. It never deletes and never lowers. With validateOnly it
// asks the cluster whether it would, and changes nothing.
func (a Admin) Apply(ctx context.Context, d *Difference, declared, create Spec, validateOnly bool) error {
	if d.Missing {
		if validateOnly {
			return a.Validate(ctx, create)
		}
		_, err := a.Create(ctx, create)
		return err
	}
	settings := map[string]string{}
	for _, change := range d.Changes {
		if change.Blocked == "" && change.Setting != Partitions && change.Setting != ReplicationFactor {
			settings[change.Setting] = change.To
		}
	}
	if len(settings) > 0 {
		if err := a.setConfig(ctx, declared, settings, validateOnly); err != nil {
			return err
		}
	}
	if !d.AddsPartitions() {
		return nil
	}
	return a.addPartitions(ctx, declared, validateOnly)
}

// setConfig sets these settings of a topic together, and leaves its others as
// they are (IncrementalAlterConfigs, KIP-339).
func (a Admin) setConfig(ctx context.Context, s Spec, settings map[string]string, validateOnly bool) error {
	entries := make(map[string]sarama.IncrementalAlterConfigsEntry, len(settings))
	for key, value := range settings {
		entries[key] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	req := &sarama.IncrementalAlterConfigsRequest{
		Version: 1, ValidateOnly: validateOnly,
		Resources: []*sarama.IncrementalAlterConfigsResource{{
			Type: sarama.TopicResource, Name: s.Name, ConfigEntries: entries,
		}},
	}
	op := "set settings of topic " + s.Name
	res, err := kafka.Ask(ctx, a.Client, op, func(b *sarama.Broker) (*sarama.IncrementalAlterConfigsResponse, error) {
		return b.IncrementalAlterConfigs(req)
	})
	if err != nil {
		return err
	}
	if len(res.Resources) != 1 {
		return a.Explain(op, sarama.ErrIncompleteResponse)
	}
	answer := res.Resources[0]
	return a.explainAlter(op, s, sarama.KError(answer.ErrorCode), &answer.ErrorMsg, "AlterConfigs")
}

// addPartitions raises the number of partitions. Kafka refuses to lower it.
func (a Admin) addPartitions(ctx context.Context, s Spec, validateOnly bool) error {
	op := "add partitions to topic " + s.Name
	ask := func(c *kafka.Client) (*sarama.TopicPartitionError, error) {
		return createPartitions(ctx, c, op, s, validateOnly)
	}
	moved := func(answer *sarama.TopicPartitionError) bool { return answer.Err == sarama.ErrNotController }
	answer, err := kafka.AtController(ctx, a.Client, ask, moved)
	if err != nil {
		return err
	}
	return a.explainAlter(op, s, answer.Err, answer.ErrMsg, "Alter")
}

// createPartitions sends one request.
func createPartitions(ctx context.Context, c *kafka.Client, op string, s Spec, validateOnly bool) (*sarama.TopicPartitionError, error) {
	req := &sarama.CreatePartitionsRequest{
		Version: 3, Timeout: kafka.ProduceTimeout, ValidateOnly: validateOnly,
		TopicPartitions: map[string]*sarama.TopicPartition{s.Name: {Count: s.Partitions}},
	}
	res, err := kafka.Ask(ctx, c, op, func(b *sarama.Broker) (*sarama.CreatePartitionsResponse, error) { return b.CreatePartitions(req) })
	if err != nil {
		return nil, err
	}
	if answer := res.TopicPartitionErrors[s.Name]; answer != nil {
		return answer, nil
	}
	return nil, c.Explain(op, sarama.ErrIncompleteResponse)
}

// explainAlter adds what is known: Kafka's own text, the key of the file, the missing
// right.
func (a Admin) explainAlter(op string, s Spec, code sarama.KError, text *string, right string) error {
	explained := a.Explain(op, kafka.CodeError(code))
	e, ok := errors.AsType[*kafka.Error](explained)
	if !ok {
		return nil
	}
	if text != nil && *text != "" {
		e.Text = a.Options().Redact(*text)
	}
	switch e.Kind {
	case kafka.Denied:
		e.Text = fmt.Sprintf("%s may not change it", a.Options().Principal())
		e.Hint = "grant it: " + a.Options().Grant("topic", s.Name, right)
	case kafka.InvalidConfig:
		e.Hint = "see " + s.faultyKey(e.Text)
	case kafka.InvalidPartitions, kafka.InvalidReplication:
		e.Hint = "see " + s.key(Partitions)
	case kafka.PolicyViolation:
		e.Hint = "the cluster's alter.config.policy forbids it: see " + s.key("config")
	default:
	}
	return e
}

// Settle asks again until the brokers show what was applied, which they learn a little
// later than the controller, and returns what is still different.
func (a Admin) Settle(ctx context.Context, declared []Spec, create func(name string) Spec) (found []Difference, err error) {
	var open int
	paused := kafka.Poll(ctx, func() bool {
		found, err = a.Compare(ctx, declared, create)
		open = 0
		for i := range found {
			if found[i].Applicable() {
				open++
			}
		}
		return err != nil || open == 0
	})
	if paused != nil {
		return found, a.Explain("wait for "+strconv.Itoa(open)+" topics", paused)
	}
	return found, err
}
