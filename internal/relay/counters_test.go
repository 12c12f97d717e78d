package relay_test

import (
	"sync/atomic"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// counters is an Observer that counts what tests ask for.
type counters struct {
	relaytest.Observer

	published, rejected, dead, ignored, repeats, connects, errors, pruned atomic.Int64
}

func (c *counters) Published(_ string, n, _ int) { c.published.Add(int64(n)) }
func (c *counters) Rejected(string, string)      { c.rejected.Add(1) }
func (c *counters) DeadLettered(string)          { c.dead.Add(1) }
func (c *counters) ProduceError(string)          { c.errors.Add(1) }
func (c *counters) PossibleRepeats(n int)        { c.repeats.Add(int64(n)) }
func (c *counters) ChangeIgnored(string)         { c.ignored.Add(1) }
func (c *counters) PostgresConnected()           { c.connects.Add(1) }
func (c *counters) Pruned(n int)                 { c.pruned.Add(int64(n)) }
