//go:build faults

package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/wiring"
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

// A relay that is frozen in a large transaction until Kafka has aborted what it had open, and
// that nobody has replaced, writes that again when it wakes up.
func TestExactlyOnceFrozenBeyondItsTransaction(t *testing.T) {
	t.Parallel()
	const rows = 200_000
	h := onceHarness(t, relaytest.Options{Keys: keys{"delivery.in_flight": "2MiB"}})
	p := walpost(t, "run", "-c", h.Config.File)
	h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT (ARRAY['order', 'payment'])[1 + i %% 2], 'k' || i %% 8, 'Created', jsonb_build_object('n', i)
		FROM generate_series(1, %d) i`, rows))
	for i := range 2 {
		p.Until(t, "a part to be published", func() bool { return h.published(t, p) > i*rows/10 })
		p.Signal(t, syscall.SIGSTOP)
		const looksEvery = 10 * time.Second // transaction.abort.timed.out.transaction.cleanup.interval.ms
		pause.Real(t, wiring.TransactionTimeout+looksEvery+time.Second, "the transaction times out")
		p.Signal(t, syscall.SIGCONT)
	}
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
	h.once(t)
	t.Logf("given up: %d", strings.Count(p.Log.String(), "a Kafka transaction is given up"))
}
