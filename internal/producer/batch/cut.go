package batch

import (
	"math"

	"github.com/walpost/walpost/internal/record"
)

// Never is the group of records that are not written any more.
const Never = math.MaxUint64

// Cut is where a group ends because a record of it waits for an operator.
type Cut struct {
	Group  uint64
	At     record.Position // of the first record that is left out
	Event  uint64          // of what is left out, the lowest number of an event
	Before record.Position // of what stays, the highest; zero: nothing stays
}

// Queue cuts the batches of a queue. What is left out, later groups with it, stands behind
// what stays.
func (c *Cut) Queue(m *Memory, head *Batch) (first, last *Batch) {
	var stay, out []*Batch
	for b := head; b != nil; b = head {
		if n := c.alike(b); n < b.Count {
			b, _ = m.Split(b, n)
		}
		head, b.Next = b.Next, nil
		if c.stays(b, b.Head()) {
			stay = append(stay, b)
		} else {
			b.Group = Never
			out = append(out, b)
		}
		for r := range b.All() {
			c.note(b, r)
		}
	}
	for _, b := range append(stay, out...) {
		if last == nil {
			first = b
		} else {
			last.Next = b
		}
		last = b
	}
	return first, last
}

func (c *Cut) stays(b *Batch, r Packed) bool { return b.Group == c.Group && r.Position().Before(c.At) }

// alike returns how many of the batch's first records all stay, or all do not.
func (c *Cut) alike(b *Batch) (n int) {
	stays := c.stays(b, b.Head())
	for r := range b.All() {
		if c.stays(b, r) != stays {
			break
		}
		n++
	}
	return n
}

// note notes a record that was decided. The number of a dead letter that the producer has
// made is not that of its event.
func (c *Cut) note(b *Batch, r Packed) {
	switch at := r.Position(); {
	case b.Group != Never && c.Before.Before(at):
		c.Before = at
	case b.Group == Never && r.Cause() == NoCause:
		c.Event = min(c.Event, r.Event())
	}
}

// Straddles reports whether the first of the batch's records stands before a position, and
// another does not.
func (b *Batch) Straddles(at record.Position) bool {
	first := b.Head().Position().Before(at)
	for r := range b.All() {
		if first && !r.Position().Before(at) {
			return true
		}
	}
	return false
}

// Insert puts a batch into a queue behind those of its group and of earlier ones. A queue
// to whose end it belongs is not changed, except that it must have one.
func (b *Batch) Insert(head **Batch) {
	for *head != nil && (*head).Group <= b.Group {
		head = &(*head).Next
	}
	b.Next, *head = *head, b
}

// Before returns how many of the records have a time before one in milliseconds since 1970.
func (b *Batch) Before(millis int64) (n int) {
	for r := range b.All() {
		if r.Timestamp() < millis {
			n++
		}
	}
	return n
}
