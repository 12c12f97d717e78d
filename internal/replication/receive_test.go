package replication

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// message is a CopyData of so many bytes in all.
func message(size int) []byte {
	b := make([]byte, size)
	b[0] = 'd'
	binary.BigEndian.PutUint32(b[1:], uint32(size-1))
	return b
}

// readMessage takes one message in, as a stream does.
func (r *receiver) readMessage(t *testing.T, size int) {
	t.Helper()
	for {
		_, body, ok, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			if len(body) != size-frameHeader {
				t.Fatalf("a body of %d bytes, want %d", len(body), size-frameHeader)
			}
			return
		}
		if err := r.fill(r.need()); err != nil {
			t.Fatal(err)
		}
	}
}

// Large rows that follow each other share a buffer: one made anew for each costs
// more than the row.
func TestLargeRowsShareABuffer(t *testing.T) {
	var wire bytes.Buffer
	r := newReceiver(&wire)
	r.large()
	send := func(size int) {
		wire.Write(message(size))
		r.readMessage(t, size)
	}
	send(900_000)
	first := &r.buf[0]
	for range 20 {
		send(900_100)
		send(300)
	}
	if &r.buf[0] != first {
		t.Error("the buffer was made anew for a row of the same size")
	}
	for range largeFills + 2 {
		send(300)
	}
	if len(r.buf) != receiveBuffer {
		t.Errorf("the buffer still has %d bytes when large rows have ceased, want %d", len(r.buf), receiveBuffer)
	}
}

// What a very large row needed is given up when it is done.
func TestVeryLargeBufferIsGivenUp(t *testing.T) {
	var wire bytes.Buffer
	r := newReceiver(&wire)
	r.large()
	wire.Write(message(keptBuffer + 1))
	r.readMessage(t, keptBuffer+1)
	wire.Write(message(300))
	r.readMessage(t, 300)
	if len(r.buf) != receiveBuffer {
		t.Errorf("the buffer has %d bytes, want %d", len(r.buf), receiveBuffer)
	}
}
