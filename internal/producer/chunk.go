package producer

import (
	"sync/atomic"

	"github.com/IBM/sarama"
)

// A batch is a list of chunks, and chunks are reused: in the steady state no
// record costs an allocation. The first chunk of a batch is small, so that a
// thousand partitions with one record each do not spend the memory budget.
const (
	smallData, smallRecords = 4 << 10, 8
	largeData, largeRecords = 16 << 10, 64
	headersPerRecord        = 3
)

// chunk holds the bytes of some records and the structures sarama encodes from.
type chunk struct {
	data    []byte // appended to, never grown: sarama's records point into it
	records []sarama.Record
	headers []sarama.RecordHeader
	refs    []*sarama.RecordHeader // one per header: sarama wants pointers
	batches int                    // batches that still need it: two after a split
	next    *chunk                 // in the free list
}

func newChunk(data, records, headers int) *chunk {
	return &chunk{
		data:    make([]byte, 0, data),
		records: make([]sarama.Record, 0, records),
		headers: make([]sarama.RecordHeader, 0, headers),
		refs:    make([]*sarama.RecordHeader, 0, headers),
	}
}

// cost is the memory the chunk takes of the in-flight budget.
func (c *chunk) cost() int64 {
	return int64(cap(c.data)) + int64(cap(c.records))*(128+48) + int64(cap(c.headers))*(48+8)
}

func (c *chunk) fits(data, headers int) bool {
	return len(c.data)+data <= cap(c.data) && len(c.records) < cap(c.records) && len(c.headers)+headers <= cap(c.headers)
}

// copyIn appends b to the chunk and returns the copy: nil stays nil, empty stays empty.
func (c *chunk) copyIn(b []byte) []byte {
	if b == nil {
		return nil
	}
	at := len(c.data)
	c.data = append(c.data, b...)
	return c.data[at:len(c.data):len(c.data)]
}

func (c *chunk) copyString(s string) []byte {
	at := len(c.data)
	c.data = append(c.data, s...)
	return c.data[at:len(c.data):len(c.data)]
}

func (c *chunk) reset() {
	clear(c.records) // sarama keeps state in a record between encodings
	c.data, c.records, c.headers, c.refs = c.data[:0], c.records[:0], c.headers[:0], c.refs[:0]
}

// memory gives out chunks and counts them.
type memory struct {
	used  atomic.Int64 // bytes of all chunks given out; read without the producer's lock
	small *chunk
	large *chunk
	spare int64 // bytes in the two free lists
	limit int64 // what the free lists may hold
}

// get returns a chunk for a record of the given size; one that is larger than
// any chunk gets a chunk of its own.
func (m *memory) get(first bool, data, headers int) *chunk {
	if data > largeData || headers > largeRecords*headersPerRecord {
		c := newChunk(data, 1, headers)
		m.used.Add(c.cost())
		return c
	}
	free, size, records := &m.large, largeData, largeRecords
	if first && data <= smallData && headers <= smallRecords*headersPerRecord {
		free, size, records = &m.small, smallData, smallRecords
	}
	c := *free
	if c == nil {
		c = newChunk(size, records, records*headersPerRecord)
	} else {
		*free, c.next = c.next, nil
		m.spare -= c.cost()
	}
	m.used.Add(c.cost())
	return c
}

func (m *memory) put(c *chunk) {
	cost := c.cost()
	m.used.Add(-cost)
	if m.spare+cost > m.limit {
		return // after a burst the garbage collector takes it back
	}
	switch cap(c.data) {
	case smallData:
		c.reset()
		c.next, m.small = m.small, c
	case largeData:
		c.reset()
		c.next, m.large = m.large, c
	default:
		return
	}
	m.spare += cost
}
