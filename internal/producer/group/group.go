// Package group says which events are written in one Kafka transaction, and when that may
// begin: small groups when the relay keeps up, large ones when it does not.
//
// It knows event numbers, positions and batches. It must not know brokers and answers, nor
// how a transaction is written.
package group

import (
	"slices"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer/batch"
	"github.com/walpost/walpost/internal/record"
)

// Queue is the queue of a partition. Its batches stand in the order of their groups.
type Queue interface {
	comparable
	// Has reports whether its head is of the group.
	Has(group uint64) bool
	// Waits reports whether its head cannot be sent yet, for another reason than a dead
	// letter that its own group brings.
	Waits(now time.Time) bool
	// Halted reports whether its head waits for an operator.
	Halted() bool
	// Head returns its first batch, nil for none.
	Head() *batch.Batch
	// Replace gives it other batches.
	Replace(first, last *batch.Batch)
}

// Group is the events of one Kafka transaction, and the batches that hold their records.
type Group[Q Queue] struct {
	Number   uint64          // from 1; every batch of it carries it
	Last     uint64          // number of the last event in it or before it
	At       record.Position // of that event
	Complete pgoutput.LSN    // up to which no event is missing once it is in Kafka
	Queues   []Q             // that have had batches of it, each once
	Held     []Held[Q]       // what Kafka has acknowledged, in that order
	Value    []byte          // of its position record
	Topic    string          // of that
	IsCut    bool            // the rest waits for an operator: nothing is written after it

	events  int
	size    int
	whole   bool      // Complete covers all its events
	opened  time.Time // when its first event came
	checked int       // of Queues: those before it have none left
}

// Held is a batch that is acknowledged and not committed.
type Held[Q Queue] struct {
	Queue Q
	Batch *batch.Batch
}

// Ready reports whether its transaction can begin: no partition has to wait.
func (g *Group[Q]) Ready(now time.Time) bool {
	return !slices.ContainsFunc(g.Queues, func(q Q) bool { return q.Has(g.Number) && q.Waits(now) })
}

// Halted reports whether a record of it waits for an operator.
func (g *Group[Q]) Halted() bool {
	return slices.ContainsFunc(g.Queues, func(q Q) bool { return q.Has(g.Number) && q.Halted() })
}

// Finished reports whether Kafka has acknowledged all of it.
func (g *Group[Q]) Finished() bool {
	for g.checked < len(g.Queues) && !g.Queues[g.checked].Has(g.Number) {
		g.checked++
	}
	return g.checked == len(g.Queues)
}

// Join notes that a queue has a batch of the group again, or for the first time.
func (g *Group[Q]) Join(q Q, known bool) {
	if !known || !slices.Contains(g.Queues, q) {
		g.Queues = append(g.Queues, q)
	}
	g.checked = 0
}

// Hold keeps a batch until the transaction is committed or aborted.
func (g *Group[Q]) Hold(q Q, b *batch.Batch) { g.Held = append(g.Held, Held[Q]{q, b}) }

// Release forgets the batches that were held, after they were put back.
func (g *Group[Q]) Release() { g.Held, g.checked = g.Held[:0], 0 }
