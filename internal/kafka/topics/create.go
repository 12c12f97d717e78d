package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// Spec is how a topic is created.
type Spec struct {
	Name              string
	Partitions        int32             // -1: the broker's default
	ReplicationFactor int16             // -1: the broker's default
	Config            map[string]string // topic settings
	Path              string            // of these keys in the file, for hints; "" is kafka.topics
}

// key returns the path of a key of the file.
func (s Spec) key(name string) string {
	if s.Path == "" {
		return "kafka.topics." + name
	}
	return s.Path + "." + name
}

// Create creates the topic unless it is there, and reports whether it did. It returns
// when the topic's leaders are known, or after some seconds without: brokers learn of a
// new topic a little later than the controller.
func (a Admin) Create(ctx context.Context, s Spec) (bool, error) {
	switch err := a.create(ctx, s, false); {
	case errors.Is(err, sarama.ErrTopicAlreadyExists):
		return false, nil
	case err != nil:
		return false, err
	}
	a.awaitLeaders(ctx, s.Name)
	return true, nil
}

// Validate asks the cluster whether it would create the topic: rights, settings and
// policy. It creates nothing. That the topic is there already is no error.
func (a Admin) Validate(ctx context.Context, s Spec) error {
	err := a.create(ctx, s, true)
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return nil
	}
	return err
}

// CreateAll creates the topics that are not there, by one request, and returns an error
// or nil for each. It does not wait for their leaders.
func (a Admin) CreateAll(ctx context.Context, specs []Spec) []error {
	errs := a.createAll(ctx, specs, false)
	for i, err := range errs {
		if errors.Is(err, sarama.ErrTopicAlreadyExists) {
			errs[i] = nil
		}
	}
	return errs
}

func (a Admin) create(ctx context.Context, s Spec, validateOnly bool) error {
	return a.createAll(ctx, []Spec{s}, validateOnly)[0]
}

func (a Admin) createAll(ctx context.Context, specs []Spec, validateOnly bool) []error {
	ask := func(c *kafka.Client) (map[string]*sarama.TopicError, error) {
		return createTopics(ctx, c, specs, validateOnly)
	}
	answers, err := kafka.AtController(ctx, a.Client, ask, refusedByFollower)
	errs := make([]error, len(specs))
	for i, s := range specs {
		answer, cause := answers[s.Name], err
		switch {
		case err != nil:
		case answer == nil:
			cause = sarama.ErrIncompleteResponse
		default:
			cause = kafka.CodeError(answer.Err)
		}
		errs[i] = a.explainCreate(s, cause, answer)
	}
	return errs
}

// refusedByFollower reports whether the broker says that only the controller creates
// topics.
func refusedByFollower(answers map[string]*sarama.TopicError) bool {
	for _, a := range answers {
		if a.Err == sarama.ErrNotController {
			return true
		}
	}
	return false
}

// creating says what is tried.
func creating(specs []Spec) string {
	if len(specs) == 1 {
		return "create topic " + specs[0].Name
	}
	return "create topics"
}

// createTopics sends one request, and returns what became of each topic by its name.
func createTopics(ctx context.Context, c *kafka.Client, specs []Spec, validateOnly bool) (map[string]*sarama.TopicError, error) {
	res, err := askToCreate(ctx, c, creating(specs), specs, validateOnly)
	if err != nil {
		return nil, err
	}
	return res.TopicErrors, nil
}

// Foresee returns the topic as the cluster would create it, with the cluster's defaults.
// Its Config is nil where the cluster does not say: without the right, or when it would
// not create the topic.
func (a Admin) Foresee(ctx context.Context, s Spec) (Topic, error) {
	t := Topic{Name: s.Name}
	res, err := askToCreate(ctx, a.Client, "describe topics", []Spec{s}, true)
	if err != nil {
		return t, err
	}
	result := res.TopicResults[s.Name]
	if result == nil || len(result.Configs) == 0 {
		return t, nil
	}
	t.Config = make(map[string]string, len(result.Configs))
	for name, setting := range result.Configs {
		if setting.Value != nil {
			t.Config[name] = *setting.Value
		}
	}
	return t, nil
}

func askToCreate(ctx context.Context, c *kafka.Client, op string, specs []Spec, validateOnly bool) (*sarama.CreateTopicsResponse, error) {
	details := map[string]*sarama.TopicDetail{}
	for _, spec := range specs {
		detail := &sarama.TopicDetail{
			NumPartitions: spec.Partitions, ReplicationFactor: spec.ReplicationFactor, ConfigEntries: map[string]*string{},
		}
		for key, value := range spec.Config {
			detail.ConfigEntries[key] = &value
		}
		details[spec.Name] = detail
	}
	req := sarama.NewCreateTopicsRequest(kafka.Version(), details, kafka.ProduceTimeout, validateOnly)
	return kafka.Ask(ctx, c, op, func(b *sarama.Broker) (*sarama.CreateTopicsResponse, error) { return b.CreateTopics(req) })
}

// explainCreate adds what is known of the topic: its setting at fault, the right
// and who lacks it.
func (a Admin) explainCreate(s Spec, err error, answer *sarama.TopicError) error {
	explained := a.Explain(creating([]Spec{s}), err)
	e, ok := errors.AsType[*kafka.Error](explained)
	if !ok || answer == nil {
		return explained
	}
	if answer.ErrMsg != nil && *answer.ErrMsg != "" {
		e.Text = a.Options().Redact(*answer.ErrMsg)
	}
	switch e.Kind {
	case kafka.Denied:
		e.Text = fmt.Sprintf("%s may not create it", a.Options().Principal())
		e.Hint = "grant it: " + a.Options().Grant("topic", s.Name, "Create", "Write", "Describe")
	case kafka.InvalidConfig:
		e.Hint = "see " + s.faultyKey(e.Text)
	case kafka.InvalidPartitions:
		e.Hint = "see " + s.key("partitions")
	case kafka.InvalidReplication:
		e.Hint = "see " + s.key("replication_factor") + ": it may not be more than the brokers there are"
	case kafka.InvalidTopic:
		e.Hint = "change outbox.topic, or the columns that it names"
	case kafka.PolicyViolation:
		e.Hint = "the cluster's create.topic.policy forbids it: see kafka.topics, or have the topic created"
	default:
	}
	return e
}

// faultyKey returns the key of the setting that Kafka's words name.
func (s Spec) faultyKey(text string) string {
	for _, key := range slices.Backward(slices.SortedFunc(maps.Keys(s.Config), func(a, b string) int { return len(a) - len(b) })) {
		if strings.Contains(text, key) {
			return s.key("config." + key)
		}
	}
	return s.key("config")
}

// awaitLeaders waits until the topic's partitions have leaders, or not much longer than
// that takes.
func (a Admin) awaitLeaders(ctx context.Context, name string) {
	_ = kafka.Poll(ctx, func() bool { // the topic is there, whatever becomes of its leaders
		meta, err := a.Metadata(ctx, "find the leaders of topic "+name, name)
		if err != nil {
			return true
		}
		if len(meta.Topics) != 1 {
			return false
		}
		t := topicOf(meta.Topics[0])
		return t.Exists && t.Partitions > 0 && t.WithoutLeader == 0
	})
}
