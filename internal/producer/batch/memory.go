package batch

import (
	"sync/atomic"

	"github.com/walpost/walpost/internal/record"
)

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
var chunkSizes = [...]int{MinMemory, 16 << 10, 64 << 10} //nolint:gochecknoglobals // a constant in all but grammar

// MinMemory is the least that a batch takes of the memory.
const MinMemory = 4 << 10

const (
	largest   = len(chunkSizes) // index of the free list of chunks for one large record
	chunkHead = 64              // bytes of the structure itself
	roundTo   = 64 << 10        // large chunks are multiples, so that one serves for the next
	maxTried  = 8               // large chunks looked at for one that fits
)

func (c *chunk) fits(n int) bool { return len(c.data)+n <= cap(c.data) }

// cost returns the memory that the chunk takes of the in-flight budget.
func (c *chunk) cost() int64 { return int64(cap(c.data)) + chunkHead }

// Memory holds batches, and uses again what they no longer need. But for Used it is not
// safe for several goroutines.
type Memory struct {
	used    atomic.Int64 // bytes of all chunks given out
	limit   int64        // of used and spare together; used may pass it
	spare   int64        // bytes in the free lists
	free    [largest + 1]*chunk
	batches *Batch // free list
}

// SetLimit sets how many bytes may be used and kept for use together. Batches may take
// more; what they give back then goes to the garbage collector.
func (m *Memory) SetLimit(bytes int64) { m.limit = bytes }

// Used returns the bytes that batches take. Any goroutine may call it.
func (m *Memory) Used() int64 { return m.used.Load() }

// New returns an empty batch.
func (m *Memory) New() *Batch {
	if b := m.batches; b != nil {
		m.batches, b.Next = b.Next, nil
		return b
	}
	return &Batch{}
}

// Add copies a record into a batch.
func (m *Memory) Add(b *Batch, rec *record.Record, meta *Meta) {
	need, have := packedSize(rec), len(b.chunks)
	if have == 0 || !b.chunks[have-1].fits(need) {
		c := m.get(have, need)
		c.batches = 1
		b.chunks = append(b.chunks, c)
		have++
	}
	b.add(b.chunks[have-1], rec, meta)
}

// Split returns two batches that carry the records and sequences of b, which it frees.
func (m *Memory) Split(b *Batch, at int) (left, right *Batch) {
	left, right = b.split(at)
	m.Free(b)
	return left, right
}

// Replace returns a batch of one record that takes the place of b, and its sequence. The
// caller frees b, of which the record may be a part.
func (m *Memory) Replace(b *Batch, rec *record.Record, meta *Meta) *Batch {
	other := m.New()
	other.Sealed, other.OutcomeUnknown, other.Group, other.Next = true, b.OutcomeUnknown, b.Group, b.Next
	m.Add(other, rec, meta)
	return other
}

// Free takes back a batch and its memory.
func (m *Memory) Free(b *Batch) {
	for _, c := range b.chunks {
		if c.batches--; c.batches == 0 {
			m.put(c)
		}
	}
	clear(b.chunks)
	*b = Batch{chunks: b.chunks[:0], Next: m.batches}
	m.batches = b
}

// get returns a chunk with room for n bytes, for a batch that already has `have` chunks.
func (m *Memory) get(have, n int) *chunk {
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
func (m *Memory) take(class, n int) *chunk {
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
func (m *Memory) put(c *chunk) {
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
