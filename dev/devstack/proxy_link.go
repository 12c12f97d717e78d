package devstack

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is one client's connection and the one to the server that belongs to it.
type link struct {
	client, server net.Conn // server is nil until it is dialed
	once           sync.Once
	gone           chan struct{} // closed when both are
	partial        []byte        // the beginning of a request, see Catch
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.gone)
		_ = l.client.Close()
		if l.server != nil {
			_ = l.server.Close()
		}
	})
}

// reset closes both with RST, so that neither side takes it for an orderly end.
func (l *link) reset() {
	for _, conn := range []net.Conn{l.client, l.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // on one that is closed already it does nothing
		}
	}
	l.close()
}

// wait returns after d (0: never) or when the rules change. It reports whether the link
// still exists.
func (l *link) wait(d time.Duration, changed <-chan struct{}) bool {
	var after <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-after:
	case <-changed:
	case <-l.gone:
		return false
	}
	return true
}

// chunk is bytes on their way.
type chunk struct {
	data []byte
	read time.Time
}

// read turns what comes from one side into chunks until its end.
func (l *link) read(from net.Conn, chunks chan<- chunk) {
	defer close(chunks)
	const size = 16 << 10
	for {
		buffer := make([]byte, size)
		n, err := from.Read(buffer)
		if n > 0 {
			select {
			case chunks <- chunk{data: buffer[:n], read: time.Now()}:
			case <-l.gone:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.reset() // a reset of one side is one of the other
			}
			return
		}
	}
}

// pump moves bytes in one direction by the rules. Reading runs ahead of writing, so that a delay does not limit the
// rate.
func (p *Proxy) pump(l *link, d Direction, to, from net.Conn) {
	const ahead = 64
	chunks := make(chan chunk, ahead)
	var reading sync.WaitGroup
	reading.Go(func() { l.read(from, chunks) })
	for c := range chunks {
		kept := true
		if d == ToServer {
			c.data, kept = p.sift(l, c.data)
		}
		if !p.pass(l, d, c, to) || !kept {
			l.reset()
			break
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // the other direction may still have something to say
	}
	reading.Wait()
}

// pass writes one chunk as soon as the rules allow, and reports whether the link still
// exists.
func (p *Proxy) pass(l *link, d Direction, c chunk, to net.Conn) bool {
	const slices = 50 // a throttled second has so many writes
	paid := false     // the time that the limit demands for the next slice has passed
	for len(c.data) > 0 {
		rules, changed := p.current()
		late := time.Until(c.read.Add(rules.delay))
		n := len(c.data)
		if rules.rate > 0 {
			n = min(n, max(1, rules.rate/slices))
		}
		switch {
		case rules.hold[d]:
			if !l.wait(0, changed) {
				return false
			}
		case rules.delay > 0 && late > 0:
			if !l.wait(late, changed) {
				return false
			}
		case rules.rate > 0 && !paid:
			if !l.wait(time.Duration(n)*time.Second/time.Duration(rules.rate), changed) {
				return false
			}
			paid = true
		default:
			if _, err := to.Write(c.data[:n]); err != nil {
				return false
			}
			c.data, paid = c.data[n:], false
		}
	}
	return true
}
