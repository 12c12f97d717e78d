package replication

import (
	"net"
	"sync"
	"time"
)

// While the relay is behind, a read per segment costs more than the rows in it: the
// walsender pays a send for each message, and the reader a wake-up. So a bulk read
// waits until many bytes have arrived.
//
// Where the server is near, the receive window is small too, and reads keep a pace at
// which the window is closed most of the time: then the sender's kernel joins the
// messages that it may not send yet, and a row costs the walsender half. A window caps
// the rate at its size for each round trip, so only near servers get it.
// docs/performance.md has what other sizes gave.
const (
	bulkEnough = 96 << 10              // bytes a read waits for
	bulkWait   = 10 * time.Millisecond // and how long

	nearTrip   = 100 * time.Microsecond // the longest round trip of a near server
	nearWindow = 64 << 10               // the receive window there
	nearEnough = nearWindow / 4 * 3     // bytes a read waits for

	initialPace = 300 * time.Microsecond // the time between two reads at first,
	minPace     = 50 * time.Microsecond  // and its bounds
	maxPace     = 2 * time.Millisecond
	paceStep    = 8 // it changes by an eighth
)

// bulkConn is a connection whose reads can be told to wait for many bytes. It
// lies below TLS. Read and setBulk belong to one goroutine; deadlines may be set
// by any.
type bulkConn struct {
	net.Conn
	socket *bulkSocket // nil: not supported by the system or the network; reads are plain
	bulk   bool
	wait   time.Duration // bulkWait

	buffer []byte // for readers with little room, as TLS
	held   []byte // what of it is not read yet

	mu       sync.Mutex
	deadline time.Time // as the caller set it
}

func newBulkConn(c net.Conn) *bulkConn {
	return &bulkConn{Conn: c, socket: openBulkSocket(c), wait: bulkWait}
}

// setBulk sets whether reads wait for many bytes.
func (c *bulkConn) setBulk(on bool) {
	if c.socket != nil {
		c.bulk = on
	}
}

// SetReadDeadline sets the caller's deadline, which a bulk read respects too.
func (c *bulkConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetReadDeadline(t)
}

// Read reads what there is, in bulk after waiting for enough of it.
func (c *bulkConn) Read(p []byte) (int, error) {
	switch {
	case len(c.held) > 0:
		return c.fromHeld(p), nil
	case !c.bulk:
		return c.plain(p)
	case len(p) >= bulkEnough:
		return c.inBulk(p)
	}
	if c.buffer == nil {
		c.buffer = make([]byte, bulkEnough)
	}
	n, err := c.inBulk(c.buffer)
	c.held = c.buffer[:n]
	return c.fromHeld(p), err
}

func (c *bulkConn) fromHeld(p []byte) int {
	n := copy(p, c.held)
	c.held = c.held[n:]
	return n
}

func (c *bulkConn) inBulk(p []byte) (int, error) {
	c.limit(c.wait)
	n, err := c.socket.read(p)
	c.limit(0)
	if n > 0 || err != nil {
		return n, err
	}
	return c.plain(p) // too little arrived in time
}

// plain is woken by any byte: after a bulk read that got what it waited for the
// low-water mark is still up, and would hold back the last rows of a backlog.
func (c *bulkConn) plain(p []byte) (int, error) {
	if c.socket != nil {
		if err := c.socket.setLowWater(1); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// limit sets a deadline that is nearer than the caller's, or removes it.
func (c *bulkConn) limit(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.deadline
	if wait > 0 {
		if near := time.Now().Add(wait); t.IsZero() || near.Before(t) {
			t = near
		}
	}
	_ = c.Conn.SetReadDeadline(t) // fails on a closed connection only, and then the read does too
}
