package group_test

import (
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/producer/group"
	"github.com/walpost/walpost/internal/record"
)

// full returns a queue with one batch of a group, whose records have these commit LSNs and numbers.
func full(m *batch.Memory, number uint64, lsns ...pgoutput.LSN) *queue {
	b := m.New()
	b.Group = number
	for _, lsn := range lsns {
		m.Add(b, &record.Record{Value: []byte("v")}, &batch.Meta{
			Event: uint64(lsn / 10), Position: record.Position{CommitLSN: lsn, Ordinal: 1}, Cause: batch.NoCause,
		})
	}
	return &queue{groups: []uint64{number}, head: b}
}

func lsns(head *batch.Batch, number uint64) (all []pgoutput.LSN) {
	for b := head; b != nil && b.Group == number; b = b.Next {
		for r := range b.All() {
			all = append(all, r.Position().CommitLSN)
		}
	}
	return all
}

// A group is cut before the first record that waits for an operator, in whichever queue. What it then says is true of what
// is left: the last event, and up to where none is missing.
func TestCut(t *testing.T) {
	t.Parallel()
	var m batch.Memory
	s := group.New[*queue](1000)
	s.Enter(event(1, 10))
	s.Boundary(95)
	g := s.Close(9)
	a, b, c := full(&m, g.Number, 10, 40, 70), full(&m, g.Number, 50, 80), full(&m, g.Number, 60)
	b.halted, c.halted = true, true
	for _, q := range []*queue{a, b, c} {
		g.Join(q, false)
	}
	if !g.Cut(&m) {
		t.Error("nothing stays")
	}
	if g.At.CommitLSN != 40 || g.Last != 4 || g.Complete != 50 || !g.IsCut {
		t.Errorf("%+v", g)
	}
	for name, left := range map[string][2]int{
		"a": {len(lsns(a.head, g.Number)), 2}, "b": {len(lsns(b.head, g.Number)), 0}, "c": {len(lsns(c.head, g.Number)), 0},
	} {
		if left[0] != left[1] {
			t.Errorf("%s has %d records, want %d", name, left[0], left[1])
		}
	}
	if rest := a.head.Next; rest == nil || rest.Group != batch.Never || rest.Head().Position().CommitLSN != 70 {
		t.Errorf("the rest of a queue is %+v", rest)
	}
}

// Where the first record of a group waits, nothing of it is written.
func TestCutAtTheBeginning(t *testing.T) {
	t.Parallel()
	var m batch.Memory
	s := group.New[*queue](1000)
	s.Enter(event(1, 10))
	g := s.Close(1)
	q := full(&m, g.Number, 10, 20)
	q.halted = true
	g.Join(q, false)
	if g.Cut(&m) || g.At != (record.Position{}) {
		t.Errorf("%+v", g)
	}
}

// Records that wait together for their dead letters stay together: the cut is before the first of them.
func TestCutBeforeOpenDeadLetters(t *testing.T) {
	t.Parallel()
	var m batch.Memory
	s := group.New[*queue](1000)
	s.Enter(event(1, 10))
	s.Boundary(95)
	g := s.Close(9)
	a, b, c := full(&m, g.Number, 20, 70), full(&m, g.Number, 50), full(&m, g.Number, 10, 30)
	a.head.OpenDeadLetters, b.halted = 2, true
	for _, q := range []*queue{a, b, c} {
		g.Join(q, false)
	}
	if !g.Cut(&m) || g.At.CommitLSN != 10 || g.Last != 1 || g.Complete != 20 {
		t.Errorf("%+v", g)
	}
}
