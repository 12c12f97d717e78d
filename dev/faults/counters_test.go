package faults_test

import (
	"sync"
	"sync/atomic"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// counters is an Observer that counts what the rows ask for.
type counters struct {
	relaytest.Observer

	published, connects, ignored, repeats, rejected, dead atomic.Int64

	mu      sync.Mutex
	classes map[string]int // of answers, by walpost_produce_errors_total's label
}

func (c *counters) Published(_ string, n, _ int) { c.published.Add(int64(n)) }
func (c *counters) Rejected(string, string)      { c.rejected.Add(1) }
func (c *counters) DeadLettered(string)          { c.dead.Add(1) }
func (c *counters) PossibleRepeats(n int)        { c.repeats.Add(int64(n)) }
func (c *counters) ChangeIgnored(string)         { c.ignored.Add(1) }
func (c *counters) PostgresConnected()           { c.connects.Add(1) }

func (c *counters) ProduceError(class string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.classes == nil {
		c.classes = map[string]int{}
	}
	c.classes[class]++
}

// class is how many answers were of a class.
func (c *counters) class(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.classes[name]
}
