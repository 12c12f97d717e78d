package replication

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is two ends of a TCP connection on loopback, the first for bulk reads.
func pair(t *testing.T) (*bulkConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		there <- c
	}()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer := <-there
	if peer == nil {
		t.Fatal("not accepted")
	}
	c := newBulkConn(here)
	t.Cleanup(func() { c.Close(); peer.Close() })
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	c.setBulk(true)
	return c, peer
}

// Whatever the pieces, in bulk and plain in turn, the bytes come whole and in order.
func TestBulkReadLosesNothing(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]int{"much room": 256 << 10, "little room, as TLS has": 5000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			losesNothing(t, make([]byte, room))
		})
	}
}

func losesNothing(t *testing.T, buf []byte) {
	t.Helper()
	c, peer := pair(t)
	want := make([]byte, 4<<20)
	for i := range want {
		want[i] = byte(i * 7 / 3)
	}
	go func() {
		for i, rest := 0, want; len(rest) > 0; i++ {
			n := min(len(rest), 1+i*977%60000)
			if _, err := peer.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
		peer.Close()
	}()
	var got []byte
	for i := 0; ; i++ {
		c.setBulk(i%5 != 0)
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, or other ones", len(got), len(want))
	}
}

// A few bytes and then silence are handed over all the same.
func TestBulkReadDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	c, peer := pair(t)
	if _, err := peer.Write([]byte("few")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256<<10)
	n, err := c.Read(buf)
	if string(buf[:n]) != "few" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	go peer.Write([]byte("more")) // a plain wait must be woken by any byte
	if n, err = c.Read(buf); string(buf[:n]) != "more" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

// The last rows of a backlog come behind a bulk read that was satisfied: a plain
// read that waits for them is woken by any byte.
func TestPlainReadAfterABulkRead(t *testing.T) {
	t.Parallel()
	for name, plainly := range map[string]func(c *bulkConn, buf []byte) (int, error){
		"not behind any more": func(c *bulkConn, buf []byte) (int, error) { c.setBulk(false); return c.Read(buf) },
		"little room":         func(c *bulkConn, buf []byte) (int, error) { return c.Read(buf[:1000]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, peer := pair(t)
			go peer.Write(make([]byte, bulkEnough))
			buf := make([]byte, 256<<10)
			for n := 0; n < bulkEnough; {
				got, err := c.Read(buf)
				if n += got; err != nil {
					t.Fatal(err)
				}
			}
			if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			waits := time.AfterFunc(50*time.Millisecond, func() { _, _ = peer.Write([]byte("last")) })
			defer waits.Stop()
			if n, err := plainly(c, buf); string(buf[:n]) != "last" || err != nil {
				t.Errorf("%q, %v", buf[:n], err)
			}
		})
	}
}

// A deadline that is set meanwhile, as Wake does, ends a bulk read.
func TestBulkReadHeedsTheDeadline(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 256<<10)); !os.IsTimeout(err) {
		t.Errorf("ended with %v", err)
	}
}
