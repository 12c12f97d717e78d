package inbox

import "sync"

// tracker knows which records of a partition are done, and below which offset all are. It
// knows nothing of Kafka.
type tracker struct {
	mu      sync.Mutex
	pending []*tracked // in the order of their offsets; the first is not done
	next    int64      // everything below it is done
}

// tracked is one record that is not yet below next.
type tracked struct {
	offset int64
	done   bool
}

func newTracker(next int64) *tracker { return &tracker{next: next} }

// add adds a record. Offsets must rise; there may be gaps.
func (t *tracker) add(offset int64) *tracked {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &tracked{offset: offset}
	t.pending = append(t.pending, r)
	return r
}

// finish notes that a record is done. If the offset below which all are done has moved,
// finish calls mark with it, under the lock so that marks never go back. It returns how
// many records have left the window.
func (t *tracker) finish(r *tracked, mark func(next int64)) (freed int) {
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

// state returns the offset below which all are done, and how many are not.
func (t *tracker) state() (next int64, pending int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next, len(t.pending)
}
