package recovery

import (
	"sync/atomic"
	"time"
)

// counter counts the records that Kafka refused.
type counter struct{ rejected atomic.Int64 }

func (c *counter) Published(string, int, int) {}
func (c *counter) Rejected(string, string)    { c.rejected.Add(1) }
func (c *counter) DeadLettered(string)        {}
func (c *counter) ProduceError(string)        {}
func (c *counter) PossibleRepeats(int)        {}
func (c *counter) CommitToAck(time.Duration)  {}
func (c *counter) Request(time.Duration)      {}
func (c *counter) Reconnected()               {}
