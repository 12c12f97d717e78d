package replication

import (
	"net"
	"sync"
	"time"
)

// While the relay is behind, a read per segment costs more than the rows in it:
// the walsender pays a send for each message, and the reader a wake-up. So a bulk
// connection waits until much has come: fewer wake-ups here, and a sender that
// meets a full window has its messages joined by the kernel. A window made small
// on purpose joins more of them, and was slower: docs/performance.md.
const (
	bulkEnough = 96 << 10              // bytes a read waits for
	bulkWait   = 10 * time.Millisecond // and how long
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
		return c.plain(p)
	}
	c.limit(bulkWait)
	n, err := c.socket.read(p)
	c.limit(0)
	if n > 0 || err != nil {
		return n, err
	}
	return c.plain(p) // too little came in time
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
