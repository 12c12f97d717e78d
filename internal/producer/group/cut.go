package group

import (
	"math"

	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/record"
)

// Cut leaves of a group what comes before the first record that waits for an operator, and
// reports whether that is anything. The rest stays in the queues, and is never written.
// Nothing of the group may be under way.
func (g *Group[Q]) Cut(m *batch.Memory) bool {
	c := batch.Cut{Group: g.Number, At: g.haltedAt(), Event: math.MaxUint64}
	for _, q := range g.Queues {
		q.Replace(c.Queue(m, q.Head()))
	}
	g.At, g.Complete, g.checked = c.Before, min(g.Complete, c.At.CommitLSN), 0
	if c.Event != math.MaxUint64 {
		g.Last = c.Event - 1
	}
	g.IsCut = true
	return c.Before != record.Position{}
}

// haltedAt returns the position of the first record that waits for an operator. Records
// that wait together for their dead letters are not separated.
func (g *Group[Q]) haltedAt() record.Position {
	var at record.Position
	for _, q := range g.Queues {
		if q.Has(g.Number) && q.Halted() {
			if first := q.Head().Head().Position(); at == (record.Position{}) || first.Before(at) {
				at = first
			}
		}
	}
	for lowered := true; lowered; {
		lowered = false
		for _, q := range g.Queues {
			if b := q.Head(); q.Has(g.Number) && b.OpenDeadLetters > 0 && b.Straddles(at) {
				at, lowered = b.Head().Position(), true
			}
		}
	}
	return at
}
