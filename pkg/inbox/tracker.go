package inbox

import "sync"

// tracker knows which records of a partition are done, and answers the offset up to
// which all are. It knows nothing of Kafka.
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

// add takes a record in. Offsets must rise; there may be gaps.
func (t *tracker) add(offset int64) *tracked {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &tracked{offset: offset}
	t.pending = append(t.pending, r)
	return r
}

// finish says that a record is done. When the offset below which all are done has
// moved, it calls mark with it, with the lock held so that marks never go back, and
// says how many records are out of the way.
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

// state gives the offset below which all are done, and how many are not.
func (t *tracker) state() (next int64, pending int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next, len(t.pending)
}
