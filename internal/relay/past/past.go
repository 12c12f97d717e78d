// Package past remembers what a relay has read, roughly and within a bound: which event was
// the first of a transaction, and when events were committed.
//
// It knows event numbers, LSNs and times. It must not know anything else.
package past

import "github.com/walpost/walpost/internal/pgoutput"

// Transactions remembers which event was the first of each of the last transactions. The zero
// value is ready. It is not safe for concurrent use.
type Transactions struct {
	ring [1024]transaction
	next int // written so far
}

type transaction struct {
	commit pgoutput.LSN
	event  uint64
}

// Note notes a transaction and the number of its first event.
func (t *Transactions) Note(commit pgoutput.LSN, event uint64) {
	t.ring[t.next%len(t.ring)] = transaction{commit, event}
	t.next++
}

// From returns the first event of a transaction that committed at or after the LSN,
// 0 when there is none. It does not know transactions that are older than the ring.
func (t *Transactions) From(lsn pgoutput.LSN) (event uint64) {
	for i := range min(t.next, len(t.ring)) {
		x := t.ring[(t.next-1-i)%len(t.ring)]
		if x.commit < lsn {
			break
		}
		event = x.event
	}
	return event
}
