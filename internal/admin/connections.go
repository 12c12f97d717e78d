package admin

import (
	"net"
	"net/http"
	"sync"
)

// maxConnections is more than probes, Prometheus and people ever need at once.
const maxConnections = 64

// connections bounds how many there are. Beyond it the one that has been still for
// longest is closed: so many that say nothing, or say it slowly, keep no probe out.
type connections struct {
	mu   sync.Mutex
	tick uint64
	last map[net.Conn]uint64 // when the state of each changed
}

// changed is for http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.last, conn)
		return
	}
	if _, ok := c.last[conn]; !ok && state != http.StateNew {
		return // it was closed here and does not know yet
	}
	c.tick++
	c.last[conn] = c.tick
	if len(c.last) <= maxConnections {
		return
	}
	oldest := conn
	for other, at := range c.last {
		if at < c.last[oldest] {
			oldest = other
		}
	}
	delete(c.last, oldest)
	_ = oldest.Close() // who asks there finds out
}
