package group_test

import (
	"testing"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/group"
	"github.com/walpost/walpost/internal/record"
)

// queue is a partition with batches of these groups.
type queue struct {
	groups []uint64
	waits  bool
	halted bool
	head   *batch.Batch
}

func (q *queue) Has(group uint64) bool { return len(q.groups) > 0 && q.groups[0] == group }
func (q *queue) Waits(time.Time) bool  { return q.waits }
func (q *queue) Halted() bool          { return q.halted }
func (q *queue) Head() *batch.Batch    { return q.head }

func (q *queue) Replace(first, _ *batch.Batch) { q.head, q.halted = first, false }

func event(n uint64, lsn pgoutput.LSN) *batch.Meta {
	return &batch.Meta{Event: n, Position: record.Position{CommitLSN: lsn, Ordinal: 1}}
}

// A group is due when its Postgres transaction has ended, soon after its first event, or at once when nothing more comes.
// A position alone is written rarely, and once at the start.
func TestDue(t *testing.T) {
	t.Parallel()
	s := group.New[*queue](1000)
	s.Resume(record.Position{CommitLSN: 10}, 20)
	now := time.Now()
	if wait := s.Due(now, false); wait != 0 {
		t.Errorf("the first position waits %v", wait)
	}
	s.Committed(s.Close(0))
	if wait := s.Due(time.Now(), true); wait < time.Hour || !s.Empty() {
		t.Errorf("nothing is written again after %v, even at the end", wait)
	}
	if !s.Boundary(30) || s.Boundary(31) {
		t.Error("the first boundary without an event makes a position due in seconds, others do not")
	}
	if wait := s.Due(time.Now(), false); wait < time.Second || wait > time.Minute || s.Empty() {
		t.Errorf("WAL of other tables waits %v", wait)
	}
	if wait := s.Due(time.Now(), true); wait != 0 {
		t.Errorf("at the end it waits %v", wait)
	}
	if !s.Enter(event(1, 40)) || s.Enter(event(2, 40)) {
		t.Error("which event is the first")
	}
	if wait := s.Due(time.Now(), false); wait <= 0 || wait > time.Second {
		t.Errorf("a transaction that has not ended waits %v", wait)
	}
	if !s.Boundary(50) || s.Due(time.Now(), false) != 0 {
		t.Error("a whole transaction waits")
	}
	g := s.Close(2)
	if g.Last != 2 || g.At.CommitLSN != 40 || g.Complete != 50 || s.Written() != 20 {
		t.Errorf("%+v, %v", g, s.Written())
	}
	if s.Committed(g); s.Written() != 50 {
		t.Errorf("%v is written", s.Written())
	}
}

// A transaction that is cut is complete up to the end of the one before it only.
func TestCutInsideATransaction(t *testing.T) {
	t.Parallel()
	s := group.New[*queue](10)
	s.Resume(record.Position{}, 20)
	s.Enter(event(1, 40))
	if !s.Grow(11) {
		t.Error("a full group is not closed")
	}
	if g := s.Close(1); g.Complete != 20 || g.At.CommitLSN != 40 {
		t.Errorf("%+v", g)
	}
}

// A group is finished when no queue has a batch of it, also one that came late: a dead letter.
func TestFinished(t *testing.T) {
	t.Parallel()
	s := group.New[*queue](1000)
	s.Enter(event(1, 40))
	g := s.Close(1)
	a, b := &queue{groups: []uint64{g.Number, g.Number + 1}}, &queue{groups: []uint64{g.Number}, waits: true}
	g.Join(a, false)
	g.Join(b, false)
	if g.Ready(time.Now()) || g.Finished() {
		t.Error("it begins while a partition waits")
	}
	b.waits = false
	if !g.Ready(time.Now()) {
		t.Error("it does not begin")
	}
	a.groups, b.groups = a.groups[1:], nil
	if !g.Finished() {
		t.Error("it does not end")
	}
	b.groups = []uint64{g.Number}
	if g.Join(b, true); g.Finished() || len(g.Queues) != 2 {
		t.Error("a dead letter is left behind")
	}
	if b.halted = true; !g.Halted() {
		t.Error("it does not halt")
	}
}
