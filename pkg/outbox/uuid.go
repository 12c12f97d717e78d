package outbox

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
	"time"
)

// ids makes UUIDs of version 7 (RFC 9562) that rise strictly: 48 bits of
// milliseconds, 12 bits of a millisecond's fraction (method 3 of section 6.2), and
// 62 random bits. When the clock stands or goes back, the last time given out is
// counted on. The zero value is ready and safe for concurrent use.
type ids struct {
	last atomic.Int64 // in ticks of 1/4096 ms
}

const ticksPerMilli = 1 << 12

// reserve returns the first of n ticks that nobody else has.
func (g *ids) reserve(now time.Time, n int) int64 {
	milli := now.UnixMilli()
	fraction := int64(now.Nanosecond()%int(time.Millisecond)) * ticksPerMilli / int64(time.Millisecond)
	for {
		last := g.last.Load()
		first := max(milli*ticksPerMilli+fraction, last+1)
		if g.last.CompareAndSwap(last, first+int64(n)-1) {
			return first
		}
	}
}

// batch calls put with n new ids, rising.
func (g *ids) batch(now time.Time, n int, put func(i int, id string)) {
	random := make([]byte, 8*n)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process rather
	first := g.reserve(now, n)
	for i := range n {
		put(i, uuid7(first+int64(i), random[8*i:8*i+8]))
	}
}

// uuid7 is the text of one id; random has 8 bytes.
func uuid7(tick int64, random []byte) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(tick/ticksPerMilli)<<16|7<<12|uint64(tick%ticksPerMilli))
	copy(id[8:], random)
	id[8] = id[8]&0x3f | 0x80 // variant
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// isUUID reports whether the text is a UUID of any version, in the form with dashes.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}
