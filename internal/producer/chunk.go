package producer

import "sync/atomic"

// chunk is memory for packed records, some or one. A batch is a list of chunks,
// and chunks are reused: in the steady state no record costs an allocation.
type chunk struct {
	data    []byte // appended to, never grown
	batches int    // that still need it: two after a split
	next    *chunk // in the free list
}

// chunkSizes are those of a batch's first chunk, its second, and those after: a
// thousand partitions with one record each must not spend the memory budget. A
// record larger than the last gets a chunk of its own.
var chunkSizes = [...]int{4 << 10, 16 << 10, 64 << 10} //nolint:gochecknoglobals // a constant in all but grammar

const (
	largest   = len(chunkSizes) // index of the free list of chunks for one large record
	chunkHead = 64              // bytes of the structure itself
	roundTo   = 64 << 10        // large chunks are multiples, so that one serves for the next
	maxTried  = 8               // large chunks looked at for one that fits
)

func (c *chunk) fits(n int) bool { return len(c.data)+n <= cap(c.data) }

// cost returns the memory that the chunk takes of the in-flight budget.
func (c *chunk) cost() int64 { return int64(cap(c.data)) + chunkHead }

// memory hands out chunks and counts them.
type memory struct {
	used  atomic.Int64 // bytes of all chunks given out; read without the producer's lock
	limit int64        // of used and spare together; used may pass it
	spare int64        // bytes in the free lists
	free  [largest + 1]*chunk
}

// get returns a chunk with room for n bytes, for a batch that already has `have` chunks.
func (m *memory) get(have, n int) *chunk {
	class := min(have, largest-1)
	for class < largest && n > chunkSizes[class] {
		class++
	}
	c := m.take(class, n)
	if c == nil {
		size := (n + roundTo - 1) / roundTo * roundTo
		if class < largest {
			size = chunkSizes[class]
		}
		c = &chunk{data: make([]byte, 0, size)}
	}
	m.used.Add(c.cost())
	return c
}

// take returns a free chunk, or nil. Of the large ones it takes the first that fits and is
// at most twice as large as needed.
func (m *memory) take(class, n int) *chunk {
	at := &m.free[class]
	for tried := 0; *at != nil && tried < maxTried; tried++ {
		c := *at
		if size := cap(c.data); size >= n && (class < largest || size <= 2*n) {
			*at, c.next = c.next, nil
			m.spare -= c.cost()
			return c
		}
		at = &c.next
	}
	return nil
}

// put takes a chunk back. What is over the limit goes to the garbage collector.
func (m *memory) put(c *chunk) {
	cost := c.cost()
	used := m.used.Add(-cost)
	if used+m.spare+cost > m.limit {
		return
	}
	class := largest
	for i, size := range chunkSizes {
		if cap(c.data) == size {
			class = i
			break
		}
	}
	c.data = c.data[:0]
	c.next, m.free[class] = m.free[class], c
	m.spare += cost
}
