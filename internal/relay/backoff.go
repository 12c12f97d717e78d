package relay

import (
	"math/rand/v2"
	"time"
)

// backoff is the pause between attempts to connect: doubling, with jitter, and
// from the beginning again after a time of health.
type backoff struct {
	least, most time.Duration
	next        time.Duration
	attempts    int
	since       time.Time // of the first failure
}

func (b *backoff) pause() time.Duration {
	if b.attempts == 0 {
		b.since, b.next = time.Now(), b.least
	}
	b.attempts++
	d := b.next/2 + rand.N(b.next)
	b.next = min(2*b.next, b.most)
	return d
}

func (b *backoff) reset() { b.attempts = 0 }
