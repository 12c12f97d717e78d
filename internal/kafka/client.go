package kafka

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Client asks a cluster and administers its topics over one connection. It is for
// commands and for the rare need of a topic, not for records. Its methods may be
// called by several goroutines; their errors are *Error.
type Client struct {
	options Options
	session *session
}

// Connect opens a connection to the first broker of the list that answers.
func Connect(ctx context.Context, o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var failures []error
	for _, addr := range o.Brokers {
		s, err := o.open(ctx, addr)
		if err == nil {
			return &Client{options: o, session: s}, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, foremost(failures)
}

// foremost makes one error of those of several brokers: the first that says more
// than that nobody answers, or else the first, with all addresses.
func foremost(failures []error) error {
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

// Close ends the connection.
func (c *Client) Close() { c.session.close() }

// noTopic is a name no topic can have: metadata asked for it tells of brokers
// alone, where an empty list would ask for all topics.
const noTopic = "?"

// metadata asks for these topics, or for none, together with the brokers and what
// this principal may do.
func (s *session) metadata(ctx context.Context, names ...string) (*sarama.MetadataResponse, error) {
	if len(names) == 0 {
		names = []string{noTopic}
	}
	req := &sarama.MetadataRequest{Version: 10, Topics: names, IncludeTopicAuthorizedOperations: true}
	return await(ctx, func() (*sarama.MetadataResponse, error) { return s.broker.GetMetadata(req) })
}

// InitProducerID asks for a producer id, as `run` does: without it there is no
// idempotent producer. It writes nothing to a topic.
func (c *Client) InitProducerID(ctx context.Context) error {
	const op = "ask for a producer id"
	for attempt := 0; ; attempt++ {
		// Not Client.InitProducerID of sarama: it sends id 0, epoch 0, which since
		// KIP-360 names a producer that goes on; -1 is one that begins. Without a
		// transactional id Kafka 4.1 takes both alike.
		res, err := await(ctx, func() (*sarama.InitProducerIDResponse, error) {
			return c.session.broker.InitProducerID(&sarama.InitProducerIDRequest{
				Version: 4, ProducerID: -1, ProducerEpoch: -1, TransactionTimeout: time.Minute,
			})
		})
		if err != nil {
			return c.session.explain(op, err)
		}
		if !startingUp(res.Err) || attempt == attempts {
			return c.session.explain(op, codeError(res.Err))
		}
		if err := pause(ctx); err != nil {
			return c.session.explain(op, err)
		}
	}
}

// startingUp tells that a fresh or moving cluster will answer soon.
func startingUp(code sarama.KError) bool {
	switch code {
	case sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrRequestTimedOut:
		return true
	default:
		return false
	}
}

func codeError(code sarama.KError) error {
	if code == sarama.ErrNoError {
		return nil
	}
	return code
}

const (
	attempts   = 25
	pauseEvery = 200 * time.Millisecond
)

// pause waits between two questions.
func pause(ctx context.Context) error {
	timer := time.NewTimer(pauseEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
