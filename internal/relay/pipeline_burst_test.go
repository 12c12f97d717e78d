package relay_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Whatever a burst leaves in the socket, in a batch or in a queue is published
// without a further write to push it: the relay is behind in the burst, reads in
// bulk, and is in time at its end. The status timer, 10 s, would hide a row that
// was left: many bursts would wait for it then, where a machine that is busy keeps
// one or two late.
func TestNoRowOfABurstIsLeft(t *testing.T) {
	t.Parallel()
	const pushed = 8 * time.Second
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	var written int64
	late := 0
	for i := range 60 {
		for range 1 + rnd.IntN(3) {
			rows, pad := 1+rnd.IntN(1500), 1+rnd.IntN(600)
			h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
				SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', i, 'pad', repeat('x', %d))
		FROM generate_series(1, %d) i`, pad, rows))
			written += int64(rows)
		}
		begun := time.Now()
		h.Until(t, "the burst", func() bool { return h.Seen.Records.Load() == written })
		if took := time.Since(begun); took > pushed {
			t.Logf("burst %d was published after %s", i, took)
			late++
		}
		if late > 3 {
			t.Fatal("something waited for a timer")
		}
	}
	h.Confirmed(t)
}
