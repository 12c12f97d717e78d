// Package lookup asks Kafka over one connection, to any broker: who leads what, and for a
// producer id. It passes from a broker that does not answer to the next.
//
// It must not know queues, nor what is done about an answer.
package lookup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// firstAnswer is how long a broker may take to answer before another is asked; doubled with
// each that does not.
const firstAnswer = 2 * time.Second

var errNoBroker = errors.New("no broker answers")

// Options configures a Client. All fields are required.
type Options struct {
	Brokers []string                           // host:port
	Config  func() (*sarama.Config, error)     // settings of one connection
	Explain func(addr string, err error) error // words a failed connection
}

// Client has a connection of its own to any broker, so that a frozen leader does not stop
// it. It is not safe for concurrent use.
type Client struct {
	opts   Options
	conn   *sarama.Broker
	addr   string   // conn's
	known  []string // addresses from the last answer, tried before the configured ones
	failed int
	limit  time.Duration // conn's, for an answer
	avoid  string        // address that has just failed: the others first
}

// New returns a client. Nothing is contacted until Connect.
func New(opts Options) *Client { return &Client{opts: opts} }

// settings are those of the producer's connections, with less time for an answer: these
// requests change nothing and can be repeated.
func (c *Client) settings() (*sarama.Config, error) {
	conf, err := c.opts.Config()
	if err != nil {
		return nil, err
	}
	c.limit = min(firstAnswer<<min(c.failed, 8), conf.Net.ReadTimeout)
	conf.Net.DialTimeout, conf.Net.ReadTimeout, conf.Net.WriteTimeout = c.limit, c.limit, c.limit
	return conf, nil
}

// Connect connects to the first broker that answers, unless there is a connection.
func (c *Client) Connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	seeds := slices.Clone(c.opts.Brokers)
	rand.Shuffle(len(seeds), func(i, j int) { seeds[i], seeds[j] = seeds[j], seeds[i] })
	err := errNoBroker
	for _, addr := range c.order(seeds) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		conn, e := c.dial(addr)
		if e == nil {
			c.conn, c.addr = conn, addr
			return nil
		}
		err = c.opts.Explain(addr, e)
	}
	return err
}

func (c *Client) dial(addr string) (*sarama.Broker, error) {
	conf, err := c.settings()
	if err != nil {
		return nil, err
	}
	return kafka.Dial(addr, conf)
}

// order returns each address once: the known ones, the seeds, and last the one that has
// just failed.
func (c *Client) order(seeds []string) []string {
	var list []string
	for _, addr := range append(slices.Clone(c.known), seeds...) {
		if addr != c.avoid && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	if c.avoid != "" {
		list = append(list, c.avoid)
	}
	return list
}

// Metadata asks for topics.
func (c *Client) Metadata(topics []string) (*sarama.MetadataResponse, error) {
	res, err := c.conn.GetMetadata(&sarama.MetadataRequest{Version: kafka.MetadataVersion, Topics: topics})
	if err != nil {
		return nil, err
	}
	c.known = c.known[:0]
	for _, b := range res.Brokers {
		c.known = append(c.known, b.Addr())
	}
	return res, nil
}

// Ping asks for nothing.
func (c *Client) Ping() error {
	_, err := c.conn.ApiVersions(&sarama.ApiVersionsRequest{Version: 0})
	return err
}

// ProducerID asks for a new producer id, without a transactional id.
func (c *Client) ProducerID() (int64, error) {
	res, err := kafka.RequestProducerID(c.conn)
	if err != nil {
		return 0, err
	}
	if res.Err == sarama.ErrClusterAuthorizationFailed {
		return 0, fmt.Errorf("walpost's principal %s: grant it %s, or IdempotentWrite on the cluster: %w",
			kafka.NoIdempotentWrite, kafka.GrantTopicWrite, res.Err)
	}
	if res.Err != sarama.ErrNoError { // a fresh cluster says COORDINATOR_LOAD_IN_PROGRESS
		return 0, fmt.Errorf("InitProducerId: %w", res.Err)
	}
	return res.ProducerID, nil
}

// Answered notes that all that was asked was answered, and how long that took.
func (c *Client) Answered(took time.Duration) {
	if c.limit > firstAnswer && took < firstAnswer/2 {
		c.HangUp() // its limit is long, because answers were slow: the next connection gets a shorter one
	}
	c.failed, c.avoid = 0, ""
}

// Failed ends the connection after an error. It returns the error in words, and how many
// in a row there were.
func (c *Client) Failed(err error) (times int, worded error) {
	if c.conn != nil {
		err = c.opts.Explain(c.addr, err)
		c.avoid = c.addr
	}
	c.HangUp()
	c.failed++
	return c.failed, err
}

// HangUp closes the connection.
func (c *Client) HangUp() {
	if c.conn != nil {
		kafka.HangUp(c.conn)
		c.conn = nil
	}
}
