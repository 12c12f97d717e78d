package relay

import (
	"sync"
	"time"
)

// lagTracker remembers roughly when events were committed and read: for some transactions,
// the number of the first event and the two times. So the age of the oldest event that is
// not acknowledged is known without storing times for each event.
type lagTracker struct {
	mu   sync.Mutex
	ring []lagSample // oldest first
}

type lagSample struct {
	event           uint64
	committed, read time.Time
}

// lagGrain is the resolution of the times.
const lagGrain = 100 * time.Millisecond

// record notes a transaction whose first event will have this number.
func (t *lagTracker) record(event uint64, committed, read time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.ring); n > 0 && committed.Sub(t.ring[n-1].committed).Abs() < lagGrain && read.Sub(t.ring[n-1].read) < lagGrain {
		return
	}
	const maxSamples = 4096
	if len(t.ring) == maxSamples { // half as exact: better than without a bound
		for i := range maxSamples / 2 {
			t.ring[i] = t.ring[2*i]
		}
		t.ring = t.ring[:maxSamples/2]
	}
	t.ring = append(t.ring, lagSample{event, committed, read})
}

// oldest returns the times of the event, zero when they are not known.
func (t *lagTracker) oldest(event uint64) (committed, read time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n+1 < len(t.ring) && t.ring[n+1].event <= event {
		n++
	}
	t.ring = append(t.ring[:0], t.ring[n:]...)
	if len(t.ring) == 0 || t.ring[0].event > event {
		return time.Time{}, time.Time{}
	}
	return t.ring[0].committed, t.ring[0].read
}
