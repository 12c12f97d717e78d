package replication

import (
	"net"
	"sync"
	"time"
)

// While the relay is behind, a read per segment costs more than the rows in it:
// the walsender pays a send and a wake-up for each message, and so does the
// reader. So a bulk connection waits until its receive window is nearly full, and
// the kernel at the other end joins messages into large segments.
const (
	bulkWindow = 32 << 10              // receive buffer where the round trip is short
	bulkEnough = bulkWindow * 3 / 4    // bytes a read waits for
	bulkWait   = 10 * time.Millisecond // and how long
	// shortTrip bounds the round trip at which a window of 32 KiB still carries
	// more than a walsender can send: window ÷ round trip is the most it can.
	shortTrip = 150 * time.Microsecond
)

// bulkConn is a connection whose reads can be told to wait for many bytes. It
// lies below TLS. Read and setBulk belong to one goroutine; deadlines may be set
// by any.
type bulkConn struct {
	net.Conn
	socket *bulkSocket // nil: this system or network cannot; reads are plain
	bulk   bool

	mu       sync.Mutex
	deadline time.Time // as the caller set it
}

func newBulkConn(c net.Conn) *bulkConn { return &bulkConn{Conn: c, socket: openBulkSocket(c)} }

// setBulk says whether reads shall wait for many bytes.
func (c *bulkConn) setBulk(on bool) {
	if c.socket != nil {
		c.bulk = on
	}
}

// SetReadDeadline is the caller's deadline, which a bulk read keeps too.
func (c *bulkConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetReadDeadline(t)
}

// Read reads what there is, in bulk after waiting for enough of it.
func (c *bulkConn) Read(p []byte) (int, error) {
	if !c.bulk || len(p) < bulkEnough {
		return c.Conn.Read(p)
	}
	c.limit(bulkWait)
	n, err := c.socket.read(p)
	c.limit(0)
	if n > 0 || err != nil {
		return n, err
	}
	return c.Conn.Read(p) // too little came in time
}

// limit puts a nearer deadline in front of the caller's, or takes it away.
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
