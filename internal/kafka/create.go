package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/IBM/sarama"
)

// Spec is how a topic is made.
type Spec struct {
	Name              string
	Partitions        int32             // -1: the broker's default
	ReplicationFactor int16             // -1: the broker's default
	Config            map[string]string // topic settings
	Path              string            // of these keys in the file, for hints; "" is kafka.topics
}

// key is the path of a key of the file.
func (s Spec) key(name string) string {
	if s.Path == "" {
		return "kafka.topics." + name
	}
	return s.Path + "." + name
}

// Create makes the topic unless it is there, and says whether it made it. It
// returns when its leaders are known, or after some seconds without: brokers
// learn of a new topic a little later than the controller.
func (c *Client) Create(ctx context.Context, s Spec) (bool, error) {
	switch err := c.create(ctx, s, false); {
	case errors.Is(err, sarama.ErrTopicAlreadyExists):
		return false, nil
	case err != nil:
		return false, err
	}
	c.awaitLeaders(ctx, s.Name)
	return true, nil
}

// Validate asks the cluster whether it would make the topic: right, settings and
// policy. It makes nothing. That the topic is there already is no error.
func (c *Client) Validate(ctx context.Context, s Spec) error {
	err := c.create(ctx, s, true)
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return nil
	}
	return err
}

// CreateAll makes the topics that are not there, by one request, and gives an error or
// nil for each. It does not wait for their leaders.
func (c *Client) CreateAll(ctx context.Context, specs []Spec) []error {
	errs := c.createAll(ctx, specs, false)
	for i, err := range errs {
		if errors.Is(err, sarama.ErrTopicAlreadyExists) {
			errs[i] = nil
		}
	}
	return errs
}

func (c *Client) create(ctx context.Context, s Spec, validateOnly bool) error {
	return c.createAll(ctx, []Spec{s}, validateOnly)[0]
}

func (c *Client) createAll(ctx context.Context, specs []Spec, validateOnly bool) []error {
	answers, err := c.session.createTopics(ctx, specs, validateOnly)
	// With ZooKeeper (Kafka 3 and older) only the controller creates, and it moves;
	// with KRaft every broker hands on.
	for attempt := 0; err == nil && elsewhere(answers) && attempt < attempts; attempt++ {
		answers, err = atController(ctx, c, func(at *session) (map[string]*sarama.TopicError, error) {
			return at.createTopics(ctx, specs, validateOnly)
		})
	}
	errs := make([]error, len(specs))
	for i, s := range specs {
		answer, cause := answers[s.Name], err
		switch {
		case err != nil:
		case answer == nil:
			cause = sarama.ErrIncompleteResponse
		default:
			cause = codeError(answer.Err)
		}
		errs[i] = c.explainCreate(s, cause, answer)
	}
	return errs
}

// elsewhere reports whether another broker creates topics.
func elsewhere(answers map[string]*sarama.TopicError) bool {
	for _, a := range answers {
		if a.Err == sarama.ErrNotController {
			return true
		}
	}
	return false
}

// atController asks the controller of this moment, after a pause.
func atController[T any](ctx context.Context, c *Client, ask func(*session) (T, error)) (answer T, err error) {
	if err := pause(ctx); err != nil {
		return answer, err
	}
	controller, err := c.controller(ctx)
	if err != nil {
		return answer, err
	}
	defer controller.close()
	return ask(controller)
}

// createTopics sends one request, and gives what became of each topic by its name.
func (s *session) createTopics(ctx context.Context, specs []Spec, validateOnly bool) (map[string]*sarama.TopicError, error) {
	res, err := s.askToCreate(ctx, specs, validateOnly)
	if err != nil {
		return nil, err
	}
	return res.TopicErrors, nil
}

// Foresee is the topic as the cluster would make it, with the cluster's defaults. Its
// Config is nil where the cluster does not tell: no right, or it would not make it.
func (c *Client) Foresee(ctx context.Context, s Spec) (Topic, error) {
	t := Topic{Name: s.Name}
	res, err := c.session.askToCreate(ctx, []Spec{s}, true)
	if err != nil {
		return t, c.session.explain("describe topics", err)
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

func (s *session) askToCreate(ctx context.Context, specs []Spec, validateOnly bool) (*sarama.CreateTopicsResponse, error) {
	details := map[string]*sarama.TopicDetail{}
	for _, spec := range specs {
		detail := &sarama.TopicDetail{NumPartitions: spec.Partitions, ReplicationFactor: spec.ReplicationFactor, ConfigEntries: map[string]*string{}}
		for key, value := range spec.Config {
			detail.ConfigEntries[key] = &value
		}
		details[spec.Name] = detail
	}
	req := sarama.NewCreateTopicsRequest(Version(), details, ProduceTimeout, validateOnly)
	return await(ctx, func() (*sarama.CreateTopicsResponse, error) { return s.broker.CreateTopics(req) })
}

// controller opens a session to the broker that the metadata names.
func (c *Client) controller(ctx context.Context) (*session, error) {
	meta, err := c.session.metadata(ctx)
	if err != nil {
		return nil, c.session.explain("find Kafka's controller", err)
	}
	for _, b := range meta.Brokers {
		if b.ID() == meta.ControllerID {
			return c.options.open(ctx, b.Addr())
		}
	}
	return nil, c.session.explain("find Kafka's controller", sarama.ErrControllerNotAvailable)
}

// explainCreate adds what is known of the topic: its setting at fault, the right
// and who lacks it.
func (c *Client) explainCreate(s Spec, err error, answer *sarama.TopicError) error {
	explained := c.session.explain("create topic "+s.Name, err)
	e, ok := errors.AsType[*Error](explained)
	if !ok || answer == nil {
		return explained
	}
	if answer.ErrMsg != nil && *answer.ErrMsg != "" {
		e.text = redact(*answer.ErrMsg, c.options.secrets())
	}
	switch e.Kind {
	case Denied:
		e.text = fmt.Sprintf("%s may not create it", c.options.Principal())
		e.Hint = "grant it: " + c.options.grant("topic", s.Name, "Create", "Write", "Describe")
	case InvalidConfig:
		e.Hint = "see " + s.faultyKey(e.text)
	case InvalidPartitions:
		e.Hint = "see " + s.key("partitions")
	case InvalidReplication:
		e.Hint = "see " + s.key("replication_factor") + ": it may not be more than the brokers there are"
	case InvalidTopic:
		e.Hint = "change outbox.topic, or the columns that it names"
	case PolicyViolation:
		e.Hint = "the cluster's create.topic.policy forbids it: see kafka.topics, or have the topic created"
	default:
	}
	return e
}

// faultyKey is the setting that Kafka's words name.
func (s Spec) faultyKey(text string) string {
	for _, key := range slices.Backward(slices.SortedFunc(maps.Keys(s.Config), func(a, b string) int { return len(a) - len(b) })) {
		if strings.Contains(text, key) {
			return s.key("config." + key)
		}
	}
	return s.key("config")
}

// grant is the command that gives this principal rights.
func (o Options) grant(resource, name string, operations ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-acls.sh --bootstrap-server %s --add --allow-principal %s", o.Brokers[0], quote(o.Principal()))
	for _, op := range operations {
		b.WriteString(" --operation " + op)
	}
	b.WriteString(" --" + resource)
	if name != "" {
		b.WriteString(" " + quote(name))
	}
	return b.String()
}

// quote makes one word of the shell's of a text.
func quote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(shellPlain, r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@="

// awaitLeaders waits until the topic's partitions have leaders.
func (c *Client) awaitLeaders(ctx context.Context, name string) {
	for range attempts {
		meta, err := c.session.metadata(ctx, name)
		if err != nil {
			return
		}
		if len(meta.Topics) == 1 {
			if t := topicOf(meta.Topics[0]); t.Exists && t.Partitions > 0 && t.WithoutLeader == 0 {
				return
			}
		}
		if pause(ctx) != nil {
			return
		}
	}
}
