package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Client asks a cluster and administers its topics. Its methods may be called by
// several goroutines.
type Client struct {
	options Options
	client  sarama.Client
	admin   sarama.ClusterAdmin
}

// NewClient connects to the cluster. Errors are *Error.
func NewClient(o Options) (*Client, error) {
	conf, err := Settings(o)
	if err != nil {
		return nil, err
	}
	conf.Metadata.Full = true // the controller is not told otherwise
	conf.Metadata.Retry.Max = 3
	client, err := sarama.NewClient(o.Brokers, conf)
	if err != nil {
		return nil, o.Explain("connect to Kafka", err)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		_ = client.Close()
		return nil, o.Explain("connect to Kafka", err)
	}
	return &Client{options: o, client: client, admin: admin}, nil
}

// Close ends the connections.
func (c *Client) Close() { _ = c.admin.Close() } // closes the client too; nothing is left to be sent

// Spec is how a topic is made.
type Spec struct {
	Name              string
	Partitions        int32             // -1: the broker's default
	ReplicationFactor int16             // -1: the broker's default
	Config            map[string]string // topic settings
}

// Create makes the topic unless it is there, and says whether it made it.
func (c *Client) Create(ctx context.Context, s Spec) (bool, error) {
	detail := &sarama.TopicDetail{NumPartitions: s.Partitions, ReplicationFactor: s.ReplicationFactor, ConfigEntries: map[string]*string{}}
	for key, value := range s.Config {
		detail.ConfigEntries[key] = &value
	}
	done := make(chan error, 1)
	go func() { done <- c.admin.CreateTopic(s.Name, detail, false) }()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case err := <-done:
		if errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return false, nil
		}
		return err == nil, c.options.Explain("create topic "+s.Name, err)
	}
}

// Topic is what the cluster says of a topic.
type Topic struct {
	Name              string
	Exists            bool
	Err               error // why it cannot be described, such as a missing right
	Partitions        int
	Replicas          int               // of the partition that has the fewest
	WithoutLeader     int               // partitions that have none at the moment
	Config            map[string]string // nil: this principal may not read it
	UnderReplicated   int
	operations        int32
	operationsAreTold bool
}

// MayWrite tells whether this principal may write to the topic, and whether the
// broker said so.
func (t *Topic) MayWrite() (may, told bool) {
	return t.operations&(1<<sarama.AclOperationWrite) != 0, t.operationsAreTold
}

// Describe asks for the topics.
func (c *Client) Describe(_ context.Context, names ...string) ([]Topic, error) {
	if len(names) == 0 {
		return nil, nil
	}
	broker := c.client.LeastLoadedBroker()
	if broker == nil {
		return nil, c.options.Explain("describe topics", sarama.ErrOutOfBrokers)
	}
	_ = broker.Open(c.client.Config()) // already open is fine, and the request tells of the rest
	res, err := broker.GetMetadata(&sarama.MetadataRequest{Version: 8, Topics: names, IncludeTopicAuthorizedOperations: true})
	if err != nil {
		return nil, c.options.Explain("describe topics", err)
	}
	topics := make([]Topic, 0, len(names))
	for _, m := range res.Topics {
		topics = append(topics, c.topic(m))
	}
	return topics, nil
}

func (c *Client) topic(m *sarama.TopicMetadata) Topic {
	t := Topic{Name: m.Name, Exists: m.Err == sarama.ErrNoError || m.Err == sarama.ErrLeaderNotAvailable}
	if !t.Exists {
		if m.Err != sarama.ErrUnknownTopicOrPartition {
			t.Err = m.Err
		}
		return t
	}
	t.Partitions = len(m.Partitions)
	const untold = -1 << 31
	t.operations, t.operationsAreTold = m.TopicAuthorizedOperations, m.TopicAuthorizedOperations != untold
	for i, p := range m.Partitions {
		if i == 0 || len(p.Replicas) < t.Replicas {
			t.Replicas = len(p.Replicas)
		}
		if p.Leader < 0 {
			t.WithoutLeader++
		}
		if len(p.Isr) < len(p.Replicas) {
			t.UnderReplicated++
		}
	}
	entries, err := c.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: m.Name})
	if err != nil {
		return t
	}
	t.Config = make(map[string]string, len(entries))
	for _, e := range entries {
		t.Config[e.Name] = e.Value
	}
	return t
}

// InitProducerID asks whether this principal may produce idempotently, as `run`
// will. It leaves nothing behind.
func (c *Client) InitProducerID() error {
	broker := c.client.LeastLoadedBroker()
	if broker == nil {
		return c.options.Explain("ask for a producer id", sarama.ErrOutOfBrokers)
	}
	_ = broker.Open(c.client.Config()) // already open is fine
	res, err := broker.InitProducerID(&sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1, TransactionTimeout: time.Minute})
	if err == nil && res.Err != sarama.ErrNoError {
		err = res.Err
	}
	return c.options.Explain("ask for a producer id", err)
}

// Error is a failure to reach or to administer Kafka, in words that hold no secret.
type Error struct {
	Op      string
	Brokers string // asked
	Text    string
	Hint    string // what to do about it; "" when there is nothing to add
	cause   error
}

func (e *Error) Error() string {
	s := e.Op + " (" + e.Brokers + "): " + e.Text
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap gives sarama's error.
func (e *Error) Unwrap() error { return e.cause }

// Explain words an error of sarama. A nil error stays nil.
func (o Options) Explain(op string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Brokers: strings.Join(o.Brokers, ", "), Text: redact(err.Error(), o.secrets()), cause: err}
	e.Hint = o.hint(e.Text)
	return e
}

// hint says what usually lies behind an error. sarama joins the errors of all
// brokers as text, so text is what there is to go by.
func (o Options) hint(text string) string {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("certificate signed by unknown authority", "certificate is not trusted"):
		return "kafka.tls.ca does not hold the authority that signed the broker's certificate"
	case has("certificate is valid for", "cannot validate certificate"):
		return "the broker's certificate has another name: see kafka.tls.server_name and kafka.brokers"
	case has("certificate has expired"):
		return "the broker's certificate has expired"
	case has("certificate required", "bad certificate"):
		return "the broker wants a client certificate it trusts: see kafka.tls.cert and kafka.tls.key"
	case has("first record does not look like a TLS handshake"):
		return "this port does not speak TLS: leave kafka.tls out, or use the broker's TLS port"
	case has("SASL", "uthentication"):
		return "see kafka.sasl: mechanism, username and password must be what the broker expects"
	case has("connection refused"):
		return "nothing listens there: see kafka.brokers"
	case has("EOF", "connection reset") && o.TLS == nil:
		return "the broker may want TLS or SASL on this port: see kafka.tls and kafka.sasl"
	case has("no such host"):
		return "the name cannot be resolved: see kafka.brokers"
	case has("not authorized"):
		return fmt.Sprintf("an operator must grant it to the principal of kafka.%s", o.principal())
	}
	return ""
}

func (o Options) principal() string {
	if o.SASL != nil {
		return "sasl.username " + o.SASL.Username
	}
	return "tls.cert"
}
