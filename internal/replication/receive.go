package replication

import (
	"encoding/binary"
	"fmt"
	"io"
)

// receiver splits what a connection delivers into messages of the Postgres
// protocol ("Message Formats": a type byte, then an int32 length that counts
// itself), with one read for each segment.
//
// Until the stream begins, it is an io.Reader between the connection and pgproto3 that
// never returns a byte of the next message. So pgproto3 buffers nothing, and the stream can
// take over after any message.
type receiver struct {
	src  io.Reader
	buf  []byte
	r, w int // unread bytes are buf[r:w]
	left int // as an io.Reader: bytes of the present message not returned yet
	idle int // reads of an empty buffer since the last message larger than receiveBuffer
}

const (
	receiveBuffer = 256 << 10
	keptBuffer    = 4 << 20 // a larger one is released when its row is done
	largeFills    = 64      // a smaller one after so many reads without a large row
	frameHeader   = 5
	maxFrame      = 1<<30 + 1<<20 // a row is at most 1 GB: a larger frame is not the protocol
)

func newReceiver(src io.Reader) *receiver {
	return &receiver{src: src, buf: make([]byte, 16<<10)}
}

// Read returns bytes of one message at a time.
func (r *receiver) Read(p []byte) (int, error) {
	if r.left == 0 {
		for r.w-r.r < frameHeader {
			if err := r.fill(frameHeader); err != nil {
				return 0, err
			}
		}
		n, err := r.frame()
		if err != nil {
			return 0, err
		}
		r.left = n
	}
	if r.r == r.w {
		if err := r.fill(1); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.r:min(r.w, r.r+r.left)])
	r.r += n
	r.left -= n
	return n, nil
}

// frame returns the size of the whole message at r, whose header is in the buffer.
func (r *receiver) frame() (int, error) {
	n := int(binary.BigEndian.Uint32(r.buf[r.r+1:]))
	if n < 4 || n > maxFrame {
		return 0, fmt.Errorf("the server sent a message of %d bytes, type %q: this is not the Postgres protocol", n, r.buf[r.r])
	}
	return n + 1, nil
}

// next returns the next message that is wholly in the buffer. Its body is valid
// until the next fill.
func (r *receiver) next() (kind byte, body []byte, ok bool, err error) {
	if r.w-r.r < frameHeader {
		return 0, nil, false, nil
	}
	n, err := r.frame()
	if err != nil || r.w-r.r < n {
		return 0, nil, false, err
	}
	kind, body = r.buf[r.r], r.buf[r.r+frameHeader:r.r+n]
	r.r += n
	return kind, body, true, nil
}

// need returns the size for which fill should make room: that of the message at r.
func (r *receiver) need() int {
	if r.w-r.r < frameHeader {
		return frameHeader
	}
	n, err := r.frame()
	if err != nil {
		return frameHeader
	}
	return n
}

// piece returns what is in the buffer, at most n bytes, regardless of messages.
// It is valid until the next fill.
func (r *receiver) piece(n int) []byte {
	b := r.buf[r.r:min(r.w, r.r+n)]
	r.r += len(b)
	return b
}

// fill reads once, after making room for a message of n bytes.
func (r *receiver) fill(n int) error {
	r.shrink(n)
	if r.r+n > len(r.buf) || r.r > 0 && r.w > len(r.buf)/2 { // what is left is part of one message
		if n > len(r.buf) {
			r.grow(n)
		} else {
			r.w = copy(r.buf, r.buf[r.r:r.w])
			r.r = 0
		}
	}
	m, err := r.src.Read(r.buf[r.w:])
	r.w += m
	if m > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// grow makes room for a message of n bytes, and a little more: the next large row may be
// somewhat larger.
func (r *receiver) grow(n int) {
	size := receiveBuffer
	if n > receiveBuffer {
		size = n + min(n/4, 1<<20)
	} else {
		size = max(n, min(2*len(r.buf), size))
	}
	bigger := make([]byte, size)
	r.w = copy(bigger, r.buf[r.r:r.w])
	r.r, r.buf = 0, bigger
}

// shrink releases, between messages, the memory that a large row needed: at once if the
// row was very large, else after a number of reads without another large row.
func (r *receiver) shrink(n int) {
	if n > receiveBuffer {
		r.idle = 0
	}
	if r.r != r.w {
		return
	}
	r.r, r.w = 0, 0
	if len(r.buf) <= receiveBuffer || n > receiveBuffer {
		return
	}
	if r.idle++; r.idle > largeFills || len(r.buf) > keptBuffer {
		r.buf, r.idle = make([]byte, receiveBuffer), 0
	}
}

// large gives the buffer the size that a stream needs.
func (r *receiver) large() {
	if len(r.buf) < receiveBuffer {
		r.grow(receiveBuffer)
	}
}
