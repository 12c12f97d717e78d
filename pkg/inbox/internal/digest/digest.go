// Package digest makes the digests by which the tables of an inbox know events and keys: an
// index entry has no room for every key.
package digest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Event returns the SHA-256 of what makes an event this one and no other beside its id, as
// hexadecimal digits. An id may come again for another event: of another table with a
// serial column, or after TRUNCATE … RESTART IDENTITY. A repeat, a record that was redriven,
// replayed or parked has the same digest.
func Event(topic, eventType string, key, payload []byte) string {
	h := sha256.New()
	part := func(b []byte, null bool) {
		var head [9]byte
		if !null {
			head[0] = 1
		}
		binary.BigEndian.PutUint64(head[1:], uint64(len(b)))
		_, _ = h.Write(head[:])
		_, _ = h.Write(b)
	}
	part([]byte(topic), false)
	part([]byte(eventType), false)
	part(key, key == nil)
	part(payload, payload == nil)
	var sum [sha256.Size]byte
	return text(h.Sum(sum[:0]))
}

// Key returns the SHA-256 of a key, as hexadecimal digits.
func Key(key []byte) string {
	sum := sha256.Sum256(key)
	return text(sum[:])
}

func text(sum []byte) string {
	var digits [2 * sha256.Size]byte
	return string(hex.AppendEncode(digits[:0], sum))
}

// Array returns the text of an array of bytea, of the n digests that at returns; "" is left
// out.
func Array(n int, at func(i int) string) string {
	text := make([]byte, 0, n*(2*sha256.Size+6)+2)
	text = append(text, '{')
	for i := range n {
		digits := at(i)
		if digits == "" {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, `"\\x`...)
		text = append(text, digits...)
		text = append(text, '"')
	}
	return string(append(text, '}'))
}

// Texts returns the text of an array of text, which every driver can send, of the n that at
// returns.
func Texts(n int, at func(i int) string) string {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i := range n {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteByte('"')
		_, _ = escape.WriteString(&b, at(i))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
