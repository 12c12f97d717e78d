package kafka

import (
	"context"
	"errors"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
)

// Client asks one broker over a connection of its own. It is for commands and for the
// rare need of a topic, not for records. Its methods may be called by several
// goroutines; their errors are *Error.
type Client struct {
	options Options
	addr    string
	broker  *sarama.Broker
}

// Connect opens a connection to the first broker of the list that answers.
func Connect(ctx context.Context, o Options) (*Client, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	var failures []error
	for _, addr := range o.Brokers {
		c, err := ConnectTo(ctx, o, addr)
		if err == nil {
			return c, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, mostTelling(failures)
}

// mostTelling returns one error for those of several brokers: the first that says more
// than that nobody answers, or else the first, with all addresses.
func mostTelling(failures []error) error {
	var addrs []string
	var all []*Error
	for _, f := range failures {
		e, ok := errors.AsType[*Error](f)
		if !ok || e.Kind != Unreachable {
			return f
		}
		addrs = append(addrs, e.Addr)
		all = append(all, e)
	}
	all[0].Addr = strings.Join(addrs, ", ")
	return all[0]
}

// ConnectTo connects to one broker: TCP, TLS, versions, SASL, and one question after
// them, since sarama counts a connection as made whose TLS handshake has failed, and a
// broker that wants SASL answers the question for versions without.
func ConnectTo(ctx context.Context, o Options, addr string) (*Client, error) {
	const op = "connect to Kafka"
	conf, err := o.Fresh()
	if err != nil {
		return nil, o.ExplainAt(op, addr, err)
	}
	broker, err := await(ctx, func() (*sarama.Broker, error) { return Dial(addr, conf) }, HangUp)
	if err != nil {
		return nil, o.diagnose(ctx, op, addr, err)
	}
	c := &Client{options: o, addr: addr, broker: broker}
	if _, err := c.Metadata(ctx, op); err != nil {
		c.Close()
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == Closed && o.SASL == nil {
			e.Kind, e.Hint = WantsSASL, o.hint(WantsSASL)
		}
		return nil, err
	}
	return c, nil
}

// Close ends the connection. sarama waits for what is under way, so Close does not
// wait for sarama.
func (c *Client) Close() { HangUp(c.broker) }

// Addr returns the address of the client's broker.
func (c *Client) Addr() string { return c.addr }

// Options returns what the client was opened with.
func (c *Client) Options() Options { return c.options }

// Explain words the failure of a request to the client's broker. nil stays nil.
func (c *Client) Explain(op string, err error) error { return c.options.ExplainAt(op, c.addr, err) }

// Ask sends one request to the client's broker, and explains why there is no answer. op
// is what is tried.
func Ask[T any](ctx context.Context, c *Client, op string, request func(*sarama.Broker) (T, error)) (T, error) {
	answer, err := await(ctx, func() (T, error) { return request(c.broker) }, nil)
	return answer, c.Explain(op, err)
}

// noTopic is a name no topic can have: with it metadata is about brokers alone, where
// an empty list would ask for all topics.
const noTopic = "?"

// Metadata asks for these topics, or for none, together with the brokers and what this
// principal may do.
func (c *Client) Metadata(ctx context.Context, op string, topics ...string) (*sarama.MetadataResponse, error) {
	if len(topics) == 0 {
		topics = []string{noTopic}
	}
	req := &sarama.MetadataRequest{Version: MetadataVersion, Topics: topics, IncludeTopicAuthorizedOperations: true}
	return Ask(ctx, c, op, func(b *sarama.Broker) (*sarama.MetadataResponse, error) { return b.GetMetadata(req) })
}

// AtController asks the client's broker, and then the controller for as long as the
// answer says that another broker is the controller. With ZooKeeper (Kafka 3 and older)
// only the controller changes topics, and it moves; with KRaft every broker hands on.
func AtController[T any](ctx context.Context, c *Client, ask func(*Client) (T, error), moved func(T) bool) (T, error) {
	answer, err := ask(c)
	for attempt := 0; err == nil && moved(answer) && attempt < pollAttempts; attempt++ {
		var controller *Client
		if controller, err = c.controllerAfterPause(ctx); err == nil {
			answer, err = ask(controller)
			controller.Close()
		}
	}
	return answer, err
}

func (c *Client) controllerAfterPause(ctx context.Context) (*Client, error) {
	const op = "find Kafka's controller"
	if err := backoff.Sleep(ctx, pollEvery); err != nil {
		return nil, c.Explain(op, err)
	}
	meta, err := c.Metadata(ctx, op)
	if err != nil {
		return nil, err
	}
	for _, b := range meta.Brokers {
		if b.ID() == meta.ControllerID {
			return ConnectTo(ctx, c.options, b.Addr())
		}
	}
	return nil, c.Explain(op, sarama.ErrControllerNotAvailable)
}
