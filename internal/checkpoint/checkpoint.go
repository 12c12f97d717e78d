// Package checkpoint says which LSN may be confirmed to Postgres. What it
// confirms too early is lost, so it is kept small enough to be checked by eye.
//
// It knows event numbers and LSNs. It must not know rows, Kafka, time or I/O.
//
// Why it is safe. Postgres sends a transaction again if, and only if, its commit
// record starts at or after the confirmed LSN; transactions come whole, in the
// order of their commit records; and every transaction that ends at or before the
// LSN of a keepalive comes before that keepalive. So whatever follows an LSN L in
// the stream, a transaction's end or a keepalive's, has its commit record at or
// after L and comes again once L was confirmed; and whatever precedes L has been
// given its event numbers when L is read. Hence the one rule: L may be confirmed
// once every event given out before L was read is acknowledged.
//
// A connection lost in the middle of a transaction X leaves events without a
// commit. On the next connection what was read before is skipped and gets no new
// numbers. Until X comes again, each LSN read is at most X's commit LSN and cannot
// pass X; when X's Commit comes, it covers X's former events with its new ones, for
// a commit covers all events given out so far. If X has no rows left its Commit
// looks like that of an empty transaction, and does the same.
package checkpoint

import "github.com/walpost/walpost/internal/pgoutput"

// Tracker follows one slot. The zero value is ready; its confirmed LSN is 0/0,
// which must not be reported, until Restart says where the slot is. It is not safe
// for concurrent use.
type Tracker struct {
	events    uint64       // last event number given out
	covered   uint64       // last event number that a waiting or confirmed transaction covers
	confirmed pgoutput.LSN // what may be confirmed now
	keepalive pgoutput.LSN // highest keepalive read while something was outstanding
	held      bool

	waiting []entry // ring: its length is a power of two, or 0
	first   int     // index of the oldest entry
	count   int
}

// entry is a transaction with events, and those without that followed it. Its end
// may be confirmed when all events up to last are acknowledged; 0 confirms nothing.
type entry struct {
	last uint64
	end  pgoutput.LSN
}

// Event returns the next event number: 1, 2, 3 …
func (t *Tracker) Event() uint64 {
	t.events++
	return t.events
}

// Commit records that the transaction just read ended; end is its end LSN. It covers
// all events given out so far. A transaction without new events needs no entry: it
// is done when the last waiting one is, or at once when none waits.
func (t *Tracker) Commit(end pgoutput.LSN) {
	switch {
	case t.held:
	case t.events > t.covered:
		t.push(end)
	case t.count > 0:
		last := t.at(t.count - 1)
		last.end = max(last.end, end)
	default:
		t.confirmed = max(t.confirmed, end)
	}
}

// Keepalive records that a keepalive with this LSN was read outside of a transaction;
// while events wait for their Commit it is ignored all the same. With something
// outstanding it is remembered, and used when nothing is: a server that has fallen
// silent since sends no second one soon, and would keep its WAL, or wait in its
// shutdown, meanwhile. It could be confirmed a little earlier, with the events
// before it. That is not worth a rule: under load the next commit passes it anyway.
func (t *Tracker) Keepalive(lsn pgoutput.LSN) {
	if !t.held && t.events == t.covered {
		t.keepalive = max(t.keepalive, lsn)
	}
}

// Freeze records that a record was refused under the policy stop: nothing read from now on
// is ever confirmed, not even after a Restart. What was complete before still is.
func (t *Tracker) Freeze() { t.held = true }

// Confirmed returns the LSN that may be confirmed now. The watermark is the lowest event
// number not yet acknowledged, one more than the last when all are. The result never goes
// back between two Restarts.
func (t *Tracker) Confirmed(watermark uint64) pgoutput.LSN {
	for t.count > 0 && t.at(0).last < watermark {
		t.confirmed = max(t.confirmed, t.at(0).end)
		t.first = (t.first + 1) & (len(t.waiting) - 1)
		t.count--
	}
	if t.Outstanding() == 0 {
		t.confirmed = max(t.confirmed, t.keepalive)
	}
	return t.confirmed
}

// Outstanding counts the transactions, the one in the middle of which we are
// included, that had an event not acknowledged at the last call of Confirmed.
func (t *Tracker) Outstanding() int {
	if t.events > t.covered {
		return t.count + 1
	}
	return t.count
}

// Restart records that a new connection begins on the same timeline, and where the slot
// is. The confirmed LSN begins there again, whether that is lower (the server has lost a
// confirmation) or higher (another relay has continued). What waits continues to wait.
// Events of a transaction that was cut off wait under no LSN of their own: when
// another relay has finished it, its Commit never comes, and keepalives must do.
func (t *Tracker) Restart(confirmed pgoutput.LSN) {
	if t.events > t.covered {
		t.push(0)
	}
	t.confirmed, t.keepalive = confirmed, 0
}

// RestartOnNewTimeline is Restart after a failover. LSNs read before mean other
// transactions now, so they are forgotten: what waits must still be acknowledged,
// but confirms nothing until commits read on the new timeline give it an LSN.
func (t *Tracker) RestartOnNewTimeline(confirmed pgoutput.LSN) {
	t.Restart(confirmed)
	for i := range t.count {
		t.at(i).end = 0
	}
}

func (t *Tracker) at(i int) *entry { return &t.waiting[(t.first+i)&(len(t.waiting)-1)] }

// push adds an entry that covers all events given out so far.
func (t *Tracker) push(end pgoutput.LSN) {
	if t.count == len(t.waiting) {
		grown := make([]entry, max(16, 2*t.count))
		for i := range t.count {
			grown[i] = *t.at(i)
		}
		t.waiting, t.first = grown, 0
	}
	t.count++
	*t.at(t.count - 1) = entry{last: t.events, end: end}
	t.covered = t.events
}
