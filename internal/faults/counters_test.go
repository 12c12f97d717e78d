package faults_test

import (
	"sync/atomic"
	"time"
)

// counters is an Observer that counts what the rows ask for.
type counters struct{ published, connects, ignored, repeats atomic.Int64 }

func (c *counters) Published(_ string, n, _ int) { c.published.Add(int64(n)) }
func (c *counters) Rejected(string, string)      {}
func (c *counters) DeadLettered(string)          {}
func (c *counters) ProduceError(string)          {}
func (c *counters) PossibleRepeats(n int)        { c.repeats.Add(int64(n)) }
func (*counters) CommitToAck(time.Duration)      {}
func (c *counters) Request(time.Duration)        {}
func (c *counters) Reconnected()                 {}
func (c *counters) ChangeIgnored(string)         { c.ignored.Add(1) }
func (c *counters) PostgresConnected()           { c.connects.Add(1) }
func (c *counters) Pruned(int)                   {}
