package group

import (
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/record"
)

// Groups are the group that is filled and those that are closed. It is not safe for
// concurrent use.
type Groups[Q Queue] struct {
	filling   *Group[Q]
	closed    []*Group[Q] // oldest first: the first may be under way
	limit     int         // bytes at which a group is full
	at        record.Position
	complete  pgoutput.LSN // up to which no event is missing, of those that were added
	written   pgoutput.LSN // the same, of those that are in Kafka
	writtenAt time.Time
	refresh   bool // a position is written even if it says nothing new
}

// New returns groups, each of which is full at so many bytes.
func New[Q Queue](limit int) Groups[Q] { return Groups[Q]{filling: &Group[Q]{Number: 1}, limit: limit} }

const (
	// wholeWait is how long events wait for the end of their Postgres transaction: with it
	// the slot can be confirmed right after the Kafka transaction.
	wholeWait = 20 * time.Millisecond
	// positionEvery is how often a position is written while only other tables are written:
	// the slot is not confirmed beyond it, and outbox.prune waits for that.
	positionEvery = 3 * time.Second
	// refreshEvery is how often one is written while nothing happens: Kafka forgets a
	// transactional id that is not used (transactional.id.expiration.ms, 7 days).
	refreshEvery = 12 * time.Hour
)

// Resume begins after a position that is in Kafka. One that says the same is due at once:
// it shows who writes from now on.
func (s *Groups[Q]) Resume(at record.Position, complete pgoutput.LSN) {
	s.at, s.complete, s.written = at, complete, complete
	s.Refresh()
}

// Rewind says that a new timeline begins at an LSN: what is beyond it is no longer known to
// be complete.
func (s *Groups[Q]) Rewind(point pgoutput.LSN) {
	s.complete, s.written = min(s.complete, point), min(s.written, point)
	for _, g := range s.closed {
		g.Complete = min(g.Complete, point)
	}
}

// Refresh makes a position due, even if it says nothing new.
func (s *Groups[Q]) Refresh() { s.refresh = true }

// Enter gives an event to the group that is filled, and reports whether it is its first.
func (s *Groups[Q]) Enter(m *batch.Meta) (first bool) {
	g := s.filling
	m.Group = g.Number
	g.events++
	g.whole, s.at = false, m.Position
	if g.events == 1 {
		g.opened = time.Now()
	}
	return g.events == 1
}

// Grow notes the size of what was added, and reports whether the group is full.
func (s *Groups[Q]) Grow(size int) (full bool) {
	s.filling.size += size
	return s.filling.size >= s.limit
}

// Boundary notes that every event up to lsn was added, and reports whether that makes
// something due sooner, see Due.
func (s *Groups[Q]) Boundary(lsn pgoutput.LSN) (sooner bool) {
	first := s.complete <= s.written && lsn > s.written
	s.complete = max(s.complete, lsn)
	s.filling.whole = true
	return first || s.filling.events > 0
}

// Due returns how long the group that is filled waits before it is closed; 0: no longer.
// flush means that nothing more comes.
func (s *Groups[Q]) Due(now time.Time, flush bool) time.Duration {
	g := s.filling
	var at time.Time
	switch {
	case g.events > 0 && (g.whole || flush), s.refresh, s.complete > s.written && flush:
		return 0
	case g.events > 0:
		at = g.opened.Add(wholeWait)
	case s.complete > s.written:
		at = s.writtenAt.Add(positionEvery)
	default:
		at = s.writtenAt.Add(refreshEvery)
	}
	return max(0, at.Sub(now))
}

// Close ends the group that is filled, whose last event has this number, and returns it.
func (s *Groups[Q]) Close(last uint64) *Group[Q] {
	g := s.filling
	g.Last, g.At, g.Complete = last, s.at, s.complete
	s.closed, s.filling, s.refresh = append(s.closed, g), &Group[Q]{Number: g.Number + 1}, false
	return g
}

// Next returns the oldest group that is closed, nil for none.
func (s *Groups[Q]) Next() *Group[Q] {
	if len(s.closed) == 0 {
		return nil
	}
	return s.closed[0]
}

// Of returns the group with a number: one that is closed, or the one that is filled.
func (s *Groups[Q]) Of(number uint64) *Group[Q] {
	for _, g := range s.closed {
		if g.Number == number {
			return g
		}
	}
	return s.filling
}

// Committed notes that the oldest group is in Kafka.
func (s *Groups[Q]) Committed(g *Group[Q]) {
	s.closed = s.closed[1:]
	s.written, s.writtenAt = g.Complete, time.Now()
}

// Written returns the LSN up to which, as Kafka has it, no event is missing.
func (s *Groups[Q]) Written() pgoutput.LSN { return s.written }

// Empty reports whether there is nothing to write.
func (s *Groups[Q]) Empty() bool {
	return len(s.closed) == 0 && s.filling.events == 0 && s.complete <= s.written && !s.refresh
}
