// Package creation creates topics, some at once, and without anybody waiting for it.
//
// It knows names of topics. It must not know records, queues or the protocol.
package creation

import (
	"context"
	"strings"
	"sync"

	"github.com/walpost/walpost/internal/notify"
)

// Error is the reason why Kafka does not create a topic, if waiting does not help.
type Error struct {
	Kind Kind
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Kafka's error.
func (e *Error) Unwrap() error { return e.Err }

// Kind is what an Error means.
type Kind uint8

// The kinds.
const (
	NameRefused     Kind = iota // the name, or a policy of the cluster: it can never be created
	SettingsRefused             // kafka.topics asks for what the cluster does not give
	RightMissing                // an operator can grant it
)

// maxAtOnce bounds what is asked of Kafka at once.
const maxAtOnce = 32

// Creator creates the topics that it is asked for.
type Creator struct {
	create func(ctx context.Context, topics []string) []error
	done   func(topics []string, errs []error)
	wake   notify.Signal

	mu     sync.Mutex
	topics []string
}

// New returns a Creator. create creates topics, at most maxAtOnce, and returns an error or
// nil for each; done is told.
func New(create func(context.Context, []string) []error, done func([]string, []error)) *Creator {
	return &Creator{create: create, done: done, wake: notify.NewSignal()}
}

// Ask has a topic created.
func (c *Creator) Ask(topic string) {
	c.mu.Lock()
	c.topics = append(c.topics, topic)
	c.mu.Unlock()
	c.wake.Notify()
}

// Run creates topics until ctx ends.
func (c *Creator) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for topics := c.next(); len(topics) > 0 && ctx.Err() == nil; topics = c.next() {
			c.done(topics, c.create(ctx, topics))
		}
	}
}

// next returns the topics to create by the next request. Two names that collide (. and _
// count as the same) are never in one request: Kafka would not notice.
func (c *Creator) next() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken, n := map[string]bool{}, 0
	for ; n < min(len(c.topics), maxAtOnce); n++ {
		key := strings.ReplaceAll(c.topics[n], ".", "_")
		if taken[key] {
			break
		}
		taken[key] = true
	}
	next := c.topics[:n:n]
	c.topics = c.topics[n:]
	return next
}
