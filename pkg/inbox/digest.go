package inbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// digestOf returns the SHA-256 of what makes an event this one and no other beside its
// id: topic, type, key and payload, as hexadecimal digits. An id may come again for
// another event: of another table with a serial column, or after TRUNCATE … RESTART
// IDENTITY. A repeat, a record that was redriven, replayed or parked has the same digest.
func digestOf(e *Event) string {
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
	part([]byte(e.Topic), false)
	part([]byte(e.Type), false)
	part(e.Key, e.Key == nil)
	part(e.Payload, e.Payload == nil)
	return hex.EncodeToString(h.Sum(nil))
}

// digestsOf is the text of an array of bytea.
func digestsOf(events []*Event) string {
	text := make([]byte, 0, len(events)*(2*sha256.Size+6)+2)
	text = append(text, '{')
	for i, e := range events {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, `"\\x`...)
		text = append(text, digestOf(e)...)
		text = append(text, '"')
	}
	return string(append(text, '}'))
}
