package past

import (
	"sync"
	"time"
)

// Times remembers roughly when events were committed and read: for some transactions,
// the number of the first event and the two times. So the age of the oldest event that is
// not acknowledged is known without storing times for each event. Any goroutine may use it.
// The zero value is ready.
type Times struct {
	mu   sync.Mutex
	ring []sample // oldest first
}

type sample struct {
	event           uint64
	committed, read time.Time
}

// grain is the resolution of the times.
const grain = 100 * time.Millisecond

// Note notes a transaction whose first event will have this number.
func (t *Times) Note(event uint64, committed, read time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.ring); n > 0 && committed.Sub(t.ring[n-1].committed).Abs() < grain && read.Sub(t.ring[n-1].read) < grain {
		return
	}
	const maxSamples = 4096
	if len(t.ring) == maxSamples { // half as exact: better than without a bound
		for i := range maxSamples / 2 {
			t.ring[i] = t.ring[2*i]
		}
		t.ring = t.ring[:maxSamples/2]
	}
	t.ring = append(t.ring, sample{event, committed, read})
}

// Oldest returns the times of the event, zero when they are not known.
func (t *Times) Oldest(event uint64) (committed, read time.Time) {
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
