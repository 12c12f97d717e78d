package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"
)

// Apply makes a topic as declared, but for what is Blocked: it creates it, sets
// settings, adds partitions. It never deletes and never lowers. With validateOnly
// it asks the cluster whether it would, and changes nothing.
func (c *Client) Apply(ctx context.Context, d *Difference, declared, create Spec, validateOnly bool) error {
	if d.Missing {
		if validateOnly {
			return c.Validate(ctx, create)
		}
		_, err := c.Create(ctx, create)
		return err
	}
	settings := map[string]string{}
	for _, change := range d.Changes {
		if change.Blocked == "" && change.Setting != Partitions && change.Setting != ReplicationFactor {
			settings[change.Setting] = change.To
		}
	}
	if len(settings) > 0 {
		if err := c.setConfig(ctx, declared, settings, validateOnly); err != nil {
			return err
		}
	}
	if !d.AddsPartitions() {
		return nil
	}
	return c.addPartitions(ctx, declared, validateOnly)
}

// setConfig sets these settings of a topic together, and leaves its others as
// they are (IncrementalAlterConfigs, KIP-339).
func (c *Client) setConfig(ctx context.Context, s Spec, settings map[string]string, validateOnly bool) error {
	entries := make(map[string]sarama.IncrementalAlterConfigsEntry, len(settings))
	for key, value := range settings {
		entries[key] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	req := &sarama.IncrementalAlterConfigsRequest{Version: 1, ValidateOnly: validateOnly, Resources: []*sarama.IncrementalAlterConfigsResource{{
		Type: sarama.TopicResource, Name: s.Name, ConfigEntries: entries,
	}}}
	res, err := await(ctx, func() (*sarama.IncrementalAlterConfigsResponse, error) {
		return c.session.broker.IncrementalAlterConfigs(req)
	})
	op := "set settings of topic " + s.Name
	if err != nil {
		return c.session.explain(op, err)
	}
	if len(res.Resources) != 1 {
		return c.session.explain(op, sarama.ErrIncompleteResponse)
	}
	answer := res.Resources[0]
	return c.explainAlter(op, s, sarama.KError(answer.ErrorCode), &answer.ErrorMsg, "AlterConfigs")
}

// addPartitions raises the number of partitions. Kafka refuses to lower it.
func (c *Client) addPartitions(ctx context.Context, s Spec, validateOnly bool) error {
	op := "add partitions to topic " + s.Name
	answer, err := c.session.createPartitions(ctx, s, validateOnly)
	// With ZooKeeper (Kafka 3 and older) only the controller adds, and it moves.
	for attempt := 0; err == nil && answer.Err == sarama.ErrNotController && attempt < attempts; attempt++ {
		answer, err = atController(ctx, c, func(at *session) (*sarama.TopicPartitionError, error) {
			return at.createPartitions(ctx, s, validateOnly)
		})
	}
	if err != nil {
		return c.session.explain(op, err)
	}
	return c.explainAlter(op, s, answer.Err, answer.ErrMsg, "Alter")
}

// createPartitions sends one request.
func (s *session) createPartitions(ctx context.Context, spec Spec, validateOnly bool) (*sarama.TopicPartitionError, error) {
	req := &sarama.CreatePartitionsRequest{
		Version: 3, Timeout: ProduceTimeout, ValidateOnly: validateOnly,
		TopicPartitions: map[string]*sarama.TopicPartition{spec.Name: {Count: spec.Partitions}},
	}
	res, err := await(ctx, func() (*sarama.CreatePartitionsResponse, error) { return s.broker.CreatePartitions(req) })
	if err != nil {
		return nil, err
	}
	if answer := res.TopicPartitionErrors[spec.Name]; answer != nil {
		return answer, nil
	}
	return nil, sarama.ErrIncompleteResponse
}

// explainAlter adds what is known: Kafka's own text, the key of the file, the
// right that lacks.
func (c *Client) explainAlter(op string, s Spec, code sarama.KError, text *string, right string) error {
	explained := c.session.explain(op, codeError(code))
	e, ok := errors.AsType[*Error](explained)
	if !ok {
		return nil
	}
	if text != nil && *text != "" {
		e.text = redact(*text, c.options.secrets())
	}
	switch e.Kind {
	case Denied:
		e.text = fmt.Sprintf("%s may not change it", c.options.Principal())
		e.Hint = "grant it: " + c.options.grant("topic", s.Name, right)
	case InvalidConfig:
		e.Hint = "see " + s.faultyKey(e.text)
	case InvalidPartitions, InvalidReplication:
		e.Hint = "see " + s.key(Partitions)
	case PolicyViolation:
		e.Hint = "the cluster's alter.config.policy forbids it: see " + s.key("config")
	default:
	}
	return e
}

// Settle asks again until the brokers show what was applied, which they learn a
// little later than the controller, and gives what is still different.
func (c *Client) Settle(ctx context.Context, declared []Spec, create func(name string) Spec) ([]Difference, error) {
	for attempt := 0; ; attempt++ {
		found, err := c.Compare(ctx, declared, create)
		open := 0
		for i := range found {
			if found[i].Applicable() {
				open++
			}
		}
		if err != nil || open == 0 || attempt == attempts {
			return found, err
		}
		if err := pause(ctx); err != nil {
			return found, c.session.explain("wait for "+strconv.Itoa(open)+" topics", err)
		}
	}
}
