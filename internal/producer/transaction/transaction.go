// Package transaction speaks Kafka's transaction protocol for one transactional id: it
// finds the coordinator, begins epochs, adds partitions, and ends transactions.
//
// It knows the requests and what their answers mean. It must not know records, queues,
// or positions.
//
// The protocol is the one of KIP-98, which brokers from 2.8 to 4.x take. Its weakness is
// a request that arrives late: an EndTxn whose answer was lost ends the next transaction
// (KAFKA-17754). So a Client remembers that an answer was lost, and whoever uses it
// begins a new epoch before the next transaction (see InDoubt): a late request of the
// former epoch is refused then.
package transaction

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/kafka"
)

// Options configures a Client. All fields but Waiting are required.
type Options struct {
	Kafka   kafka.Options
	ID      string        // the transactional id
	Timeout time.Duration // of a transaction: after it the coordinator aborts it

	// Waiting is called before a request is sent again, with the reason, once that has been
	// so for longer than is usual. It must not block. nil: nobody is told.
	Waiting func(error)
}

// Partition is one partition of a transaction.
type Partition struct {
	Topic string
	ID    int32
}

// Client is the producer of one transactional id. It is not safe for concurrent use.
type Client struct {
	opts    Options
	conn    *kafka.Client // to the coordinator; nil: it must be found
	id      int64         // producer id; -1: none yet
	epoch   int16
	inDoubt bool
}

// New returns a client. Nothing is contacted until Begin.
func New(opts Options) *Client { return &Client{opts: opts, id: -1, epoch: -1} }

// Close ends the connection. What is open stays open until its timeout.
func (c *Client) Close() { c.hangUp() }

// Epoch returns the producer id and its epoch, which every batch of a transaction carries.
func (c *Client) Epoch() (id int64, epoch int16) { return c.id, c.epoch }

// ID returns the transactional id as requests carry it.
func (c *Client) ID() *string { return &c.opts.ID }

// InDoubt reports whether a request of this epoch had no answer: it may arrive later. Then
// the next transaction needs a new epoch.
func (c *Client) InDoubt() bool { return c.inDoubt }

// Doubt notes that a request of this epoch had no answer.
func (c *Client) Doubt() { c.inDoubt = true }

// FencedError is the end of an epoch: somebody has begun one with the same transactional id.
// That is another producer, or the first InitProducerId of this one or of one that is dead,
// which was late: to Kafka they are equal.
type FencedError struct{ Err error }

func (e *FencedError) Error() string {
	return "an epoch was begun with the same transactional id: " + e.Err.Error()
}

// Unwrap returns Kafka's code.
func (e *FencedError) Unwrap() error { return e.Err }

// ErrHalting is why a transaction is given up of which a record waits for an operator.
var ErrHalting = &StateError{Op: "write a transaction", Err: errors.New("the relay halts")}

// StateError is an answer that says that the transaction is not what the client thinks:
// the coordinator has aborted it, or a late request has ended it. A new epoch, and what
// stands in the topics, show what became of it. It never means by itself that another
// producer is there.
type StateError struct {
	Op  string
	Err error
}

func (e *StateError) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns Kafka's code.
func (e *StateError) Unwrap() error { return e.Err }

// RefusedError is an answer that waiting does not change.
type RefusedError struct {
	Op   string
	Err  error
	Hint string // what mends it
}

func (e *RefusedError) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns Kafka's code.
func (e *RefusedError) Unwrap() error { return e.Err }

// Begin begins an epoch. The first one of a Client fences every other producer of the
// transactional id and aborts what it has open; a later one does so with what this one
// has open, and fails with a *FencedError if somebody else has begun one meanwhile.
func (c *Client) Begin(ctx context.Context) error {
	const op = "begin a producer epoch (InitProducerId)"
	req := &sarama.InitProducerIDRequest{
		Version: kafka.InitProducerIDVersion, TransactionalID: &c.opts.ID, TransactionTimeout: c.opts.Timeout,
		ProducerID: c.id, ProducerEpoch: c.epoch,
	}
	res, code, err := request(ctx, c, op, func(b *sarama.Broker) (*sarama.InitProducerIDResponse, error) {
		return b.InitProducerID(req)
	}, func(res *sarama.InitProducerIDResponse) sarama.KError { return res.Err })
	switch {
	case err != nil:
		return err
	case code == sarama.ErrNoError:
		c.id, c.epoch, c.inDoubt = res.ProducerID, res.ProducerEpoch, false
		return nil
	case c.id >= 0 && isState(code):
		return &FencedError{worded{code}}
	default:
		return c.refused(op, code)
	}
}

// Add adds partitions to the transaction; the first call opens it. It returns what Kafka
// says of the partitions that it refuses: then none was added.
func (c *Client) Add(ctx context.Context, partitions []Partition) (refused map[Partition]sarama.KError, err error) {
	const op = "add partitions to the transaction (AddPartitionsToTxn)"
	req := &sarama.AddPartitionsToTxnRequest{
		Version: addPartitionsVersion, TransactionalID: c.opts.ID, ProducerID: c.id, ProducerEpoch: c.epoch,
		TopicPartitions: map[string][]int32{},
	}
	for _, p := range partitions {
		req.TopicPartitions[p.Topic] = append(req.TopicPartitions[p.Topic], p.ID)
	}
	res, code, err := request(ctx, c, op, func(b *sarama.Broker) (*sarama.AddPartitionsToTxnResponse, error) {
		return b.AddPartitionsToTxn(req)
	}, func(res *sarama.AddPartitionsToTxnResponse) sarama.KError {
		_, whole := addAnswers(res)
		return whole
	})
	switch {
	case err != nil:
		return nil, err
	case code == sarama.ErrNoError:
		refused, _ = addAnswers(res)
		return refused, nil
	case isState(code):
		return nil, &StateError{op, worded{code}}
	default:
		return nil, c.refused(op, code)
	}
}

// addAnswers separates what an answer says of single partitions from what it says of the
// whole request.
func addAnswers(res *sarama.AddPartitionsToTxnResponse) (refused map[Partition]sarama.KError, whole sarama.KError) {
	for topic, partitions := range res.Errors {
		for _, p := range partitions {
			switch p.Err {
			case sarama.ErrNoError, sarama.ErrOperationNotAttempted: // the latter: because of others
			case sarama.ErrTopicAuthorizationFailed, sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic:
				if refused == nil {
					refused = map[Partition]sarama.KError{}
				}
				refused[Partition{topic, p.Partition}] = p.Err
			default:
				whole = p.Err
			}
		}
	}
	return refused, whole
}

// Commit ends the transaction: with its answer all of its records can be read. A lost
// answer is asked for again, however long that takes.
func (c *Client) Commit(ctx context.Context) error {
	const op = "commit the transaction (EndTxn)"
	req := &sarama.EndTxnRequest{
		Version: endTxnVersion, TransactionalID: c.opts.ID, ProducerID: c.id, ProducerEpoch: c.epoch, TransactionResult: true,
	}
	_, code, err := request(ctx, c, op, func(b *sarama.Broker) (*sarama.EndTxnResponse, error) {
		return b.EndTxn(req)
	}, func(res *sarama.EndTxnResponse) sarama.KError { return res.Err })
	switch {
	case err != nil:
		return err
	case code == sarama.ErrNoError:
		return nil
	case isState(code):
		return &StateError{op, worded{code}}
	default:
		return c.refused(op, code)
	}
}

// The versions of the requests: the last of the protocol that Kafka 2.8 and 4.x both take.
const (
	addPartitionsVersion = 3
	endTxnVersion        = 3
)

func (c *Client) refused(op string, code sarama.KError) error {
	e := &RefusedError{Op: op, Err: worded{code}}
	switch code {
	case sarama.ErrTransactionalIDAuthorizationFailed:
		e.Hint = c.opts.Kafka.Principal() + " needs Write and Describe on the transactional id: " +
			c.opts.Kafka.Grant("transactional-id", c.opts.ID, "Write", "Describe")
	case sarama.ErrInvalidTransactionTimeout:
		e.Hint = fmt.Sprintf("the brokers' transaction.max.timeout.ms must be at least %d", c.opts.Timeout.Milliseconds())
	case sarama.ErrUnsupportedVersion:
		e.Hint = "exactly_once needs transactions as Kafka has them since 2.8: set delivery.guarantee to at_least_once"
	default:
		e.Hint = "see the log of the broker that coordinates the transactional id"
	}
	return e
}

// request sends a request to the coordinator until it has an answer that waiting does not
// change, and returns that and its code.
func request[T any](
	ctx context.Context, c *Client, op string, send func(*sarama.Broker) (T, error), codeOf func(T) sarama.KError,
) (res T, code sarama.KError, err error) {
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		res, err = once(ctx, c, op, send)
		if ctx.Err() != nil {
			return res, 0, context.Cause(ctx)
		}
		if errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed) { // of FindCoordinator
			return res, sarama.ErrTransactionalIDAuthorizationFailed, nil
		}
		pause := waitBusy
		if err == nil {
			switch code = codeOf(res); {
			case code == sarama.ErrConcurrentTransactions:
				pause = waitMarkers
			case isMoved(code):
				c.hangUp()
			case !isBusy(code):
				return res, code, nil
			}
			err = worded{code}
		}
		if c.opts.Waiting != nil && time.Since(begun) > usualWait {
			c.opts.Waiting(fmt.Errorf("%s: %w", op, err))
		}
		if err := backoff.Sleep(ctx, pause.Pause(attempt)); err != nil {
			return res, 0, err
		}
	}
}

// usualWait is how long a request may take without a word: a leader moves in that time.
const usualWait = 3 * time.Second

// The pauses before a request is sent again: while the markers of the last transaction are
// written, which takes a millisecond or two, and while Kafka is not well.
//
//nolint:gochecknoglobals // constants in all but grammar
var (
	waitMarkers = backoff.Exponential{Min: time.Millisecond, Max: 20 * time.Millisecond}
	waitBusy    = backoff.Exponential{Min: 20 * time.Millisecond, Max: time.Second, Jitter: backoff.Around}
)

// once sends a request once. A request without an answer leaves the epoch in doubt; what
// it answers later goes nowhere.
func once[T any](ctx context.Context, c *Client, op string, send func(*sarama.Broker) (T, error)) (res T, err error) {
	if c.conn == nil {
		if err := c.find(ctx); err != nil {
			return res, err
		}
	}
	res, err = kafka.Ask(ctx, c.conn, op, send)
	if err != nil {
		c.inDoubt = true
		c.hangUp()
	}
	return res, err
}

// find connects to the coordinator of the transactional id.
func (c *Client) find(ctx context.Context) error {
	entry, err := kafka.Connect(ctx, c.opts.Kafka)
	if err != nil {
		return err
	}
	defer entry.Close()
	c.conn, err = entry.TransactionCoordinator(ctx, c.opts.ID)
	return err
}

func (c *Client) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
