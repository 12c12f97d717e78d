package producer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/kafka"
)

const (
	metadataPause = 50 * time.Millisecond   // between metadata requests
	missingPause  = 200 * time.Millisecond  // while something is missing
	pingInterval  = 10 * time.Second        // how often Kafka is asked whether it answers
	refreshEvery  = time.Minute             // how often partitions that were added are looked for
	firstAnswer   = 2 * time.Second         // how long a broker may take to answer before another is asked; doubled with each that does not
	silentAfter   = 4500 * time.Millisecond // without any answer, Kafka counts as unavailable; with pingInterval less than 15 s
)

var (
	errNoBroker = errors.New("no broker answers")
	errSilent   = errors.New("no broker answers: requests are sent, and nothing comes back")
)

// control is the goroutine that asks Kafka who leads what. It has a connection of
// its own to any broker: a frozen leader does not stop it.
type control struct {
	p      *Producer
	conn   *sarama.Broker
	addr   string   // conn's
	known  []string // addresses from the last answer, tried before the configured ones
	asked  time.Time
	failed int
	limit  time.Duration // conn's, for an answer
	avoid  string        // address that has just failed: the others first
	asking *time.Timer   // fires when no broker has answered since the first question; nil: nothing is asked
}

func (p *Producer) control() {
	c := &control{p: p}
	defer c.hangUp()
	for p.ctx.Err() == nil {
		begun := time.Now()
		if err := c.round(); err != nil && p.ctx.Err() == nil {
			c.lost(err)
			continue
		}
		if c.limit > firstAnswer && time.Since(begun) < firstAnswer/2 {
			c.hangUp() // its limit is long, because answers were slow: the next connection gets a shorter one
		}
		c.failed, c.avoid = 0, ""
		c.endSilence()
		c.wait()
	}
	c.endSilence()
}

// startSilence begins the time within which some broker must answer. Asking another
// broker does not begin it anew.
func (c *control) startSilence() {
	if c.asking != nil {
		return
	}
	begun, p := time.Now(), c.p
	c.asking = time.AfterFunc(silentAfter, func() {
		p.mu.Lock()
		silent := p.health.reachable && p.health.heard.Before(begun)
		if silent {
			p.health.failed(errSilent)
		}
		p.mu.Unlock()
		if silent {
			p.opts.Progress()
		}
	})
}

func (c *control) endSilence() {
	if c.asking != nil {
		c.asking.Stop()
		c.asking = nil
	}
}

// settings are those of the producer's connections, with less time for an answer: these
// requests change nothing and can be repeated.
func (c *control) settings() (*sarama.Config, error) {
	conf, err := c.p.opts.Config()
	if err != nil {
		return nil, err
	}
	c.limit = min(firstAnswer<<min(c.failed, 8), conf.Net.ReadTimeout)
	conf.Net.DialTimeout, conf.Net.ReadTimeout, conf.Net.WriteTimeout = c.limit, c.limit, c.limit
	return conf, nil
}

// round requests what is wanted: a producer id, and the leaders of topics.
func (c *control) round() error {
	c.startSilence()
	if err := c.connect(); err != nil {
		return err
	}
	if err := c.producerID(); err != nil {
		return err
	}
	all := time.Since(c.asked) > refreshEvery
	names := c.p.due(all)
	if len(names) == 0 {
		return c.ping() // an empty list of topics would mean all of them
	}
	for some := range slices.Chunk(names, maxTopicsAsked) {
		if err := c.ask(some); err != nil {
			return err
		}
	}
	if all {
		c.asked = time.Now()
	}
	return nil
}

// maxTopicsAsked is how many topics one request asks for.
const maxTopicsAsked = 500

// due returns the topics to ask for: those that records wait for, when that is wanted, and
// from time to time all that are known.
func (p *Producer) due(all bool) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := p.wanted
	p.wanted = false
	if !wanted && !all {
		return nil
	}
	var names []string
	for name, t := range p.topics {
		if all || t.queued() {
			names = append(names, name)
			t.requested = true
		}
	}
	p.unasked = 0
	slices.Sort(names)
	return names
}

func (c *control) ask(names []string) error {
	res, err := c.conn.GetMetadata(&sarama.MetadataRequest{Version: kafka.MetadataVersion, Topics: names})
	if err != nil {
		return err
	}
	c.p.apply(res)
	c.known = c.known[:0]
	for _, b := range res.Brokers {
		c.known = append(c.known, b.Addr())
	}
	return nil
}

func (c *control) ping() error {
	_, err := c.conn.ApiVersions(&sarama.ApiVersionsRequest{Version: 0})
	if err != nil {
		return err
	}
	c.p.mu.Lock()
	c.p.health.reached()
	c.p.mu.Unlock()
	return nil
}

// flood is the number of missing topics and partitions from which on new topics, too, wait
// for the pause between requests.
const flood = 100

// wait sleeps until something is wanted and the pause between requests is over,
// at most until the next ping. The first record of a new topic waits for no pause.
func (c *control) wait() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for begun := time.Now(); ; {
		c.p.mu.Lock()
		pause, fresh := pingInterval, c.p.unasked > 0 && c.p.waiting < flood
		if c.p.incomplete() {
			pause, c.p.wanted = missingPause, true
		} else if c.p.wanted {
			pause = metadataPause
		}
		c.p.mu.Unlock()
		pause -= time.Since(begun)
		if fresh || pause <= 0 {
			return
		}
		timer.Reset(pause)
		select {
		case <-c.p.want:
		case <-timer.C:
		case <-c.p.ctx.Done():
			return
		}
	}
}

func (c *control) connect() error {
	if c.conn != nil {
		return nil
	}
	seeds := slices.Clone(c.p.opts.Brokers)
	rand.Shuffle(len(seeds), func(i, j int) { seeds[i], seeds[j] = seeds[j], seeds[i] })
	err := errNoBroker
	for _, addr := range c.order(seeds) {
		if c.p.ctx.Err() != nil {
			return c.p.ctx.Err()
		}
		conn, e := dial(addr, c.settings)
		if e == nil {
			c.conn, c.addr = conn, addr
			return nil
		}
		err = c.p.opts.Explain(addr, e)
	}
	return err
}

// order returns each address once: the known ones, the seeds, and last the one that has
// just failed.
func (c *control) order(seeds []string) []string {
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

func (c *control) hangUp() {
	if c.conn != nil {
		kafka.HangUp(c.conn)
		c.conn = nil
	}
}

// lost closes the connection and backs off. What was missing must be found missing again:
// only answers of a reachable Kafka count.
func (c *control) lost(err error) {
	if c.conn != nil {
		err = c.p.opts.Explain(c.addr, err)
		c.avoid = c.addr
	}
	c.hangUp()
	c.failed++
	c.p.mu.Lock()
	if c.failed > 1 || !c.p.health.reachable { // one lost connection is not an outage
		c.p.health.failed(err)
	}
	c.p.wanted = true
	for _, t := range c.p.topics {
		t.missingSince, t.blockage.since = time.Time{}, time.Time{}
		for pt := range t.queues() {
			if pt.unplaced != nil {
				pt.unplaced.since = time.Time{}
			}
		}
	}
	c.p.mu.Unlock()
	c.p.opts.Progress()
	pause := backoff.Exponential{Min: 2 * minBackoff, Max: maxBackoff, Jitter: backoff.Below}.Pause(c.failed)
	_ = backoff.Sleep(c.p.ctx, pause) // control sees that ctx has ended
}

// producerID asks for a producer id when there is none. Without a transactional id each
// answer is a new one, so one is asked for once, and when a partition has used up its
// epochs.
func (c *control) producerID() error {
	c.p.mu.Lock()
	have := c.p.pid >= 0
	c.p.mu.Unlock()
	if have {
		return nil
	}
	res, err := kafka.RequestProducerID(c.conn)
	if err != nil {
		return err
	}
	if res.Err == sarama.ErrClusterAuthorizationFailed {
		return fmt.Errorf("walpost's principal %s: grant it %s, or IdempotentWrite on the cluster: %w",
			kafka.NoIdempotentWrite, kafka.GrantTopicWrite, res.Err)
	}
	if res.Err != sarama.ErrNoError { // a fresh cluster says COORDINATOR_LOAD_IN_PROGRESS
		return fmt.Errorf("InitProducerId: %w", res.Err)
	}
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.pid = res.ProducerID
	c.p.health.reached()
	for _, pt := range c.p.queues {
		c.p.schedule(pt)
	}
	return nil
}

// requestProducerID asks the control goroutine for a new producer id, with mu held.
func (p *Producer) requestProducerID() {
	p.pid = -1
	p.wantMetadata()
}

// wantMetadata asks the control goroutine for leaders, with mu held.
func (p *Producer) wantMetadata() {
	p.wanted = true
	p.want.Notify()
}

// incomplete reports whether a record waits for metadata to change.
func (p *Producer) incomplete() bool {
	return slices.ContainsFunc(p.queues, func(pt *partition) bool {
		return pt.head != nil && pt.link == nil
	})
}
