//go:build faults

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// How often relays are killed, stopped and fenced in `make faults`, and the size of the
// largest transaction.
const (
	exactlyOnceRelays   = 4
	exactlyOnceKills    = 75
	exactlyOnceStops    = 20
	exactlyOnceSwaps    = 12
	exactlyOnceRows     = 1_000_000
	exactlyOnceInFlight = "16MiB"
)

// The process dies at each step of a transaction, again and again: with a backlog of single
// rows, a transaction of 50,000 and single rows again. Nothing comes twice.
func TestExactlyOnceKilledAtEachStep(t *testing.T) {
	const singles, huge = 100, 50_000
	h := onceHarness(t, relaytest.Options{Keys: keys{"delivery.in_flight": "2MiB"}})
	n := 0
	rows := func(count int) {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
			SELECT (ARRAY['order', 'payment'])[1 + i %% 2], 'k' || i %% 8, 'Created', jsonb_build_object('n', i)
			FROM generate_series(%d, %d) i`, n+1, n+count))
		n += count
	}
	for _, step := range []struct {
		point string
		times []int
	}{
		{crash.Fenced, []int{1}},
		{crash.Read, []int{1, singles, singles + huge/2}},
		{crash.BeforeAdd, []int{1, 2, 3, 5}},
		{crash.Added, []int{1, 2, 3, 5}},
		{crash.BeforeProduce, []int{1, 2, 3, 5}},
		{crash.Acknowledged, []int{1, 2, 3, 5}},
		{crash.BeforeCommit, []int{1, 2, 3, 5}},
		{crash.Committed, []int{1, 2, 3, 5}},
		{crash.Confirmed, []int{1, 2}},
	} {
		for i, times := range step.times {
			for range singles {
				rows(1)
			}
			if i == 0 {
				rows(huge)
			}
			rows(singles)
			h.crashes(t, step.point, times)
			h.released(t)
		}
	}
	last := walpost(t, "run", "-c", h.Config.File)
	h.confirmed(t, last)
	last.Terminate(t)
	last.Exits(t, 0)
	h.once(t)
}
