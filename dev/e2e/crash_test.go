//go:build faults

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// crashes starts walpost so that it kills itself at a point, and waits until it has.
func (h *harness) crashes(t *testing.T, point string, times int) {
	t.Helper()
	t.Setenv("WALPOST_CRASH", fmt.Sprintf("%s:%d", point, times))
	p := walpost(t, "run", "-c", h.Config.File)
	p.Exits(t, -1, "crash point "+point)
	t.Setenv("WALPOST_CRASH", "")
}

// The process dies at each named step of a row's way, with a backlog of single
// rows, a transaction of 50,000 and single rows again. What is lost: nothing. What
// comes again: at most what had been read since the last confirmation.
func TestRow02_KilledAtEachStep(t *testing.T) {
	const singles, huge = 300, 50_000
	for _, tc := range []struct {
		point string
		times int
		most  int // repeats
	}{
		{crash.Read, 1, 0},
		{crash.Read, singles / 2, singles / 2},
		{crash.Read, singles + huge/2, singles + huge/2},
		{crash.BeforeProduce, 1, 0},
		{crash.BeforeProduce, 3, singles + huge},
		{crash.Acknowledged, 1, singles + huge},
		{crash.Acknowledged, 3, singles + huge},
		{crash.Confirmed, 1, singles + huge},
	} {
		t.Run(fmt.Sprintf("%s, time %d", tc.point, tc.times), func(t *testing.T) {
			h := newHarness(t, nil)
			walpost := func() *process { return walpost(t, "run", "-c", h.Config.File) }
			first := walpost()
			first.Ready(t)
			first.Terminate(t)
			first.Exits(t, 0)
			h.released(t)
			rows := func(from, n int) string {
				return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
					SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, from, from+n-1)
			}
			for i := range singles {
				h.Exec(t, rows(1+i, 1))
			}
			h.Exec(t, rows(1+singles, huge))
			for i := range singles {
				h.Exec(t, rows(1+singles+huge+i, 1))
			}

			h.crashes(t, tc.point, tc.times)
			h.released(t)
			last := walpost()
			h.confirmed(t, last)
			last.Terminate(t)
			last.Exits(t, 0)
			if r := h.compare(t); r.Repeats > tc.most {
				t.Errorf("%v: more than %d repeats", r, tc.most)
			}
		})
	}
}

// A first start that dies between publication and slot, or after the slot, just goes
// on: the publication says that there never was one.
func TestRow02_KilledDuringTheFirstStart(t *testing.T) {
	t.Run("publication created", func(t *testing.T) {
		h := newHarness(t, nil)
		h.crashes(t, crash.PublicationCreated, 1)
		h.goesOn(t)
	})
	t.Run("slot created", func(t *testing.T) {
		h := newHarness(t, nil)
		h.crashes(t, crash.SlotCreated, 1)
		h.goesOn(t)
	})
}

func (h *harness) goesOn(t *testing.T) {
	t.Helper()
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
	if r := h.compare(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}
