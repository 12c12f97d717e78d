package relaytest

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Counts is a relay.Observer that counts. The zero value is ready.
type Counts struct {
	Observer

	Records     atomic.Int64 // published
	Rejections  atomic.Int64
	DeadLetters atomic.Int64
	Repeats     atomic.Int64 // possible ones
	Ignored     atomic.Int64 // changes
	Connects    atomic.Int64 // to Postgres
	Deleted     atomic.Int64 // rows, by outbox.prune

	mu     sync.Mutex
	errors map[string]int64 // answers of Kafka, by the label of walpost_produce_errors_total
}

// Published counts acknowledged records.
func (c *Counts) Published(_ string, records, _ int) { c.Records.Add(int64(records)) }

// Rejected counts records that Kafka can never accept.
func (c *Counts) Rejected(string, string) { c.Rejections.Add(1) }

// DeadLettered counts records that went to the dead letter topic.
func (c *Counts) DeadLettered(string) { c.DeadLetters.Add(1) }

// PossibleRepeats counts records that may be in Kafka twice.
func (c *Counts) PossibleRepeats(records int) { c.Repeats.Add(int64(records)) }

// ChangeIgnored counts changes that are no events.
func (c *Counts) ChangeIgnored(string) { c.Ignored.Add(1) }

// PostgresConnected counts connections.
func (c *Counts) PostgresConnected() { c.Connects.Add(1) }

// Pruned counts deleted rows.
func (c *Counts) Pruned(rows int) { c.Deleted.Add(int64(rows)) }

// ProduceError counts errors by their class.
func (c *Counts) ProduceError(class string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.errors == nil {
		c.errors = map[string]int64{}
	}
	c.errors[class]++
}

// Errors returns how many errors of these classes there were, or of all when none is named.
func (c *Counts) Errors(classes ...string) (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for class, times := range c.errors {
		if len(classes) == 0 || slices.Contains(classes, class) {
			n += times
		}
	}
	return n
}
