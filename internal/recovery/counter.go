package recovery

import (
	"sync/atomic"
	"time"
)

// counter counts what the producer tells.
type counter struct {
	dead     atomic.Int64
	rejected atomic.Int64 // by Kafka
	skipped  atomic.Int64 // before Kafka was asked
}

func (c *counter) Published(string, int, int) {}
func (c *counter) Rejected(string, string)    { c.rejected.Add(1) }
func (c *counter) DeadLettered(string)        { c.dead.Add(1) }
func (c *counter) ProduceError(string)        {}
func (c *counter) PossibleRepeats(int)        {}
func (c *counter) CommitToAck(time.Duration)  {}
func (c *counter) Request(time.Duration)      {}
func (c *counter) Reconnected()               {}
