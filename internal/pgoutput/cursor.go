package pgoutput

import (
	"bytes"
	"encoding/binary"
)

// cursor reads a message from front to back. The first read that finds too few
// bytes, or bytes that must not be there, is remembered; every later read gives
// zero. So a decode function reads all fields and checks err once. A loop over a count
// compares the count with left first.
type cursor struct {
	b    []byte
	off  int
	want string // what the first failed read expected; "" while all is well
	at   int    // where it expected it
}

func (c *cursor) left() int { return len(c.b) - c.off }

// fail remembers the first failure only: later ones follow from it.
func (c *cursor) fail(at int, want string) {
	if c.want == "" {
		c.want, c.at = want, at
	}
	c.off = len(c.b)
}

// take returns the next n bytes, with no capacity beyond them.
func (c *cursor) take(n int, want string) []byte {
	if n < 0 || n > len(c.b)-c.off {
		c.fail(c.off, want)
		return nil
	}
	s := c.b[c.off : c.off+n : c.off+n]
	c.off += n
	return s
}

func (c *cursor) uint8(want string) byte {
	if s := c.take(1, want); s != nil {
		return s[0]
	}
	return 0
}

func (c *cursor) uint16(want string) uint16 {
	if s := c.take(2, want); s != nil {
		return binary.BigEndian.Uint16(s)
	}
	return 0
}

func (c *cursor) uint32(want string) uint32 {
	if s := c.take(4, want); s != nil {
		return binary.BigEndian.Uint32(s)
	}
	return 0
}

func (c *cursor) uint64(want string) uint64 {
	if s := c.take(8, want); s != nil {
		return binary.BigEndian.Uint64(s)
	}
	return 0
}

// cstring returns the bytes up to the next zero byte, copied.
func (c *cursor) cstring(want string) string { return c.cstringOr("", want) }

// cstringOr is cstring without the copy when the bytes are those of last.
func (c *cursor) cstringOr(last, want string) string {
	n := bytes.IndexByte(c.b[c.off:], 0)
	if n < 0 {
		c.fail(c.off, want)
		return ""
	}
	b := c.b[c.off : c.off+n]
	c.off += n + 1
	if string(b) == last {
		return last
	}
	return string(b)
}

// err returns the first failure, or says that the message did not end where it should.
func (c *cursor) err() error {
	if c.want == "" && c.off == len(c.b) {
		return nil
	}
	if c.want == "" {
		c.want, c.at = "the end of the message", c.off
	}
	return &DecodeError{Type: c.b[0], Offset: c.at, Length: len(c.b), Want: c.want}
}
