package relay

import (
	"sync"
	"time"
)

// ages remembers when events were committed and read, coarsely: which event number
// was the first of a transaction, and the two times of that. So the age of the
// oldest event that is not acknowledged is known without times per event.
type ages struct {
	mu   sync.Mutex
	ring []age // oldest first
}

type age struct {
	event           uint64
	committed, read time.Time
}

// agesGrain is how exactly ages are known.
const agesGrain = 100 * time.Millisecond

// began notes a transaction whose first event will have this number.
func (a *ages) began(event uint64, committed, read time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.ring); n > 0 && committed.Sub(a.ring[n-1].committed).Abs() < agesGrain && read.Sub(a.ring[n-1].read) < agesGrain {
		return
	}
	const most = 4096
	if len(a.ring) == most { // half as exact: better than without a bound
		for i := range most / 2 {
			a.ring[i] = a.ring[2*i]
		}
		a.ring = a.ring[:most/2]
	}
	a.ring = append(a.ring, age{event, committed, read})
}

// oldest gives the times of the event, zero when they are not known.
func (a *ages) oldest(event uint64) (committed, read time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n+1 < len(a.ring) && a.ring[n+1].event <= event {
		n++
	}
	a.ring = append(a.ring[:0], a.ring[n:]...)
	if len(a.ring) == 0 || a.ring[0].event > event {
		return time.Time{}, time.Time{}
	}
	return a.ring[0].committed, a.ring[0].read
}

// oldest gives the times of the oldest event read that is not acknowledged; zero:
// there is none.
func (r *Relay) oldest() (committed, read time.Time) {
	p := r.running.Load()
	if p == nil {
		return time.Time{}, time.Time{}
	}
	watermark := p.Watermark()
	if watermark > r.pipeline.events.Load() {
		return time.Time{}, time.Time{}
	}
	return r.pipeline.ages.oldest(watermark)
}
