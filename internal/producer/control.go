package producer

import (
	"errors"
	"slices"
	"time"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/producer/lookup"
)

const (
	metadataPause = 50 * time.Millisecond   // between metadata requests
	missingPause  = 200 * time.Millisecond  // while something is missing
	pingInterval  = 10 * time.Second        // how often Kafka is asked whether it answers
	refreshEvery  = time.Minute             // how often partitions that were added are looked for
	silentAfter   = 4500 * time.Millisecond // without any answer, Kafka counts as unavailable; with pingInterval less than 15 s
)

var errSilent = errors.New("no broker answers: requests are sent, and nothing comes back")

// control is the goroutine that asks Kafka who leads what. It has a connection of
// its own to any broker: a frozen leader does not stop it.
type control struct {
	*lookup.Client

	p       *Producer
	asked   time.Time
	silence lookup.Silence
}

func (p *Producer) control() {
	c := &control{p: p, Client: lookup.New(lookup.Options{Brokers: p.opts.Brokers, Config: p.opts.Config, Explain: p.opts.Explain})}
	defer c.HangUp()
	for p.ctx.Err() == nil {
		begun := time.Now()
		if err := c.round(); err != nil && p.ctx.Err() == nil {
			c.lost(err)
			continue
		}
		c.Answered(time.Since(begun))
		c.silence.End()
		c.wait()
	}
	c.silence.End()
}

// awaitAnswer begins the time within which some broker must answer.
func (c *control) awaitAnswer() {
	begun, p := time.Now(), c.p
	c.silence.Begin(silentAfter, func() {
		p.mu.Lock()
		silent := p.health.Reachable && p.health.Heard.Before(begun)
		if silent {
			p.health.Failed(errSilent)
		}
		p.mu.Unlock()
		if silent {
			p.opts.Progress()
		}
	})
}

// round requests what is wanted: a producer id, and the leaders of topics.
func (c *control) round() error {
	c.awaitAnswer()
	if err := c.Connect(c.p.ctx); err != nil {
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
		res, err := c.Metadata(some)
		if err != nil {
			return err
		}
		c.p.apply(res)
	}
	if all {
		c.asked = time.Now()
	}
	return nil
}

func (c *control) ping() error {
	err := c.Ping()
	if err == nil {
		c.p.mu.Lock()
		c.p.health.Reached()
		c.p.mu.Unlock()
	}
	return err
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

// lost closes the connection and backs off. What was missing must be found missing again:
// only answers of a reachable Kafka count.
func (c *control) lost(err error) {
	times, err := c.Failed(err)
	c.p.mu.Lock()
	if times > 1 || !c.p.health.Reachable { // one lost connection is not an outage
		c.p.health.Failed(err)
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
	pause := backoff.Exponential{Min: 2 * minBackoff, Max: maxBackoff, Jitter: backoff.Below}.Pause(times)
	_ = backoff.Sleep(c.p.ctx, pause) // control sees that ctx has ended
}

// producerID asks for a producer id when there is none. Without a transactional id each
// answer is a new one, so one is asked for once, and when a partition has used up its
// epochs.
func (c *control) producerID() error {
	c.p.mu.Lock()
	have := c.p.pid >= 0
	c.p.mu.Unlock()
	if have || c.p.tx != nil {
		return nil
	}
	id, err := c.ProducerID()
	if err != nil {
		return err
	}
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.pid = id
	c.p.health.Reached()
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
