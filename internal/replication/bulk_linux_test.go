package replication

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A window that is full ends a bulk read: small segments fill it with fewer bytes
// than are waited for, and nothing more can come.
func TestBulkReadEndsWhenTheWindowIsFull(t *testing.T) {
	t.Parallel()
	c, peer := pair(t)
	c.wait = time.Minute
	c.socket.enough = 1 << 20
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256<<10)
	for range 3 {
		if err := peer.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var err error
		for piece := make([]byte, 300); err == nil; { // until the peer can send no more
			_, err = peer.Write(piece)
		}
		if n, err := c.Read(buf); n == 0 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
}

// A server on loopback is near: its window is made small, and reads keep a pace.
func TestBulkReadMakesTheWindowOfANearServerSmall(t *testing.T) {
	t.Parallel()
	c, peer := pair(t)
	c.wait = time.Minute
	go peer.Write(make([]byte, nearEnough))
	if _, err := c.Read(make([]byte, 256<<10)); err != nil {
		t.Fatal(err)
	}
	window := 0
	if err := control(c.socket.raw, func(fd int) (err error) {
		window, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if window != 2*nearWindow { // socket(7): the kernel doubles it for its own needs
		t.Errorf("SO_RCVBUF is %d", window)
	}
	if s := c.socket; s.enough != nearEnough || s.pace == 0 || s.lowWater != nearEnough {
		t.Errorf("a read waits for %d bytes, low-water mark %d, pace %v", s.enough, s.lowWater, s.pace)
	}
}

// Reads come later while the sender has nothing joined, and sooner while it has: else
// a walsender that is slower than the relay would send message by message for ever.
func TestBulkReadFindsThePace(t *testing.T) {
	t.Parallel()
	c, peer := pair(t)
	c.wait = time.Minute // a read in bulk that ends early changes no pace
	buf := make([]byte, 256<<10)
	read := func() time.Duration {
		t.Helper()
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
		return c.socket.pace
	}
	go peer.Write(make([]byte, nearEnough))
	if pace := read(); pace <= initialPace {
		t.Errorf("nothing waits, and the pace goes from %v to %v", initialPace, pace)
	}
	go func() {
		for piece := make([]byte, nearWindow); ; {
			if _, err := peer.Write(piece); err != nil {
				return // the test is over
			}
		}
	}()
	for read() > minPace { // the deadline ends it
	}
}

// The pace stays within its bounds, and where the server is far there is none.
func TestPaceIsBounded(t *testing.T) {
	t.Parallel()
	s := &bulkSocket{pace: initialPace}
	for full, bound := range map[bool]time.Duration{true: minPace, false: maxPace} {
		for range 100 {
			s.adapt(full)
		}
		if s.pace != bound {
			t.Errorf("full %v: %v", full, s.pace)
		}
	}
	far := &bulkSocket{}
	if far.adapt(false); far.pace != 0 {
		t.Errorf("far: %v", far.pace)
	}
}

// A window caps the rate at its size for each round trip.
func TestNear(t *testing.T) {
	t.Parallel()
	for trip, want := range map[time.Duration]bool{
		0: false, time.Microsecond: true, nearTrip: true, nearTrip + time.Microsecond: false, time.Second: false,
	} {
		if got := near(trip); got != want {
			t.Errorf("%v: %v", trip, got)
		}
	}
}
