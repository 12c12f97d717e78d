package faults_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/replication/walsendertest"
)

// The server's clock jumps by an hour, forth and back, between transactions: what is
// confirmed and when goes by LSNs and by the relay's own timers alone. In virtual
// time, on a walsender that is scripted: no clock of a real server can be set here.
func TestRow18_ClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jumps := []time.Duration{0, time.Hour, -time.Hour, 0}
		var got []walsendertest.Status
		server := &walsendertest.Server{
			SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: time.Minute,
			Script: func(s *walsendertest.Stream) error {
				var sending sync.WaitGroup
				sending.Go(func() {
					for i, by := range jumps {
						// A broken stream shows in the statuses.
						_ = s.Send(walsendertest.Transaction(pgoutput.LSN(0x1000*(i+1)), time.Now().Add(by), 1)...)
						pause.Virtual(time.Minute)
						_ = s.Keepalive(pgoutput.LSN(0x1000*(i+1)+0x40), false)
					}
				})
				defer sending.Wait()
				for {
					st, ended, err := s.Status()
					if ended || err != nil {
						return err
					}
					got = append(got, st)
					if st.Flush >= pgoutput.LSN(0x1000*len(jumps)+0x40) {
						return nil
					}
				}
			},
		}
		begun := time.Now()
		stream := walsendertest.Open(t, server)
		t.Logf("the stream ended: %v", stream.Run(t.Context(), nil, &walsendertest.Sink{Confirm: walsendertest.ConfirmAll}))
		stream.Close()
		synctest.Wait()
		var flushed []pgoutput.LSN
		for _, st := range got {
			flushed = append(flushed, st.Flush)
		}
		if !slices.IsSorted(flushed) || len(flushed) == 0 {
			t.Fatalf("confirmed %v", flushed)
		}
		for i := range jumps {
			if end := walsendertest.EndOf(pgoutput.LSN(0x1000 * (i + 1))); !slices.Contains(flushed, end) {
				t.Errorf("%s, the end of transaction %d, was never confirmed", end, i+1)
			}
		}
		// A status every 10 s, and one for each transaction and keepalive.
		if limit := int(time.Since(begun)/(10*time.Second)) + 4*len(jumps); len(got) > limit {
			t.Errorf("%d status updates in %v", len(got), time.Since(begun))
		}
	})
}
