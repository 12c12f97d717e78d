// Package tracker follows which records of a partition are done. It knows nothing of
// Kafka.
package tracker

import "sync"

// Tracker knows which records of a partition are done, and below which offset all are. Its
// methods may be called at the same time, but for Add: offsets must rise.
type Tracker struct {
	mu      sync.Mutex
	pending []*Record // in the order of their offsets; the first is not done
	next    int64     // everything below it is done
}

// Record is one record that is not yet below next.
type Record struct {
	offset int64
	done   bool
}

// New returns a Tracker of a partition of which everything below next is done.
func New(next int64) *Tracker { return &Tracker{next: next} }

// Add adds a record. Offsets must rise; there may be gaps.
func (t *Tracker) Add(offset int64) *Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &Record{offset: offset}
	t.pending = append(t.pending, r)
	return r
}

// Finish notes that a record is done. If the offset below which all are done has moved,
// Finish calls mark with it, under the lock so that marks never go back. It returns how
// many records have left the window.
func (t *Tracker) Finish(r *Record, mark func(next int64)) (freed int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.done = true
	for freed < len(t.pending) && t.pending[freed].done {
		freed++
	}
	if freed == 0 {
		return 0
	}
	t.next = t.pending[freed-1].offset + 1
	clear(t.pending[:freed])
	t.pending = t.pending[freed:]
	mark(t.next)
	return freed
}

// State returns the offset below which all are done, and how many are not.
func (t *Tracker) State() (next int64, pending int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next, len(t.pending)
}
