package debezium

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
)

// Binary says what a bytea is in a record: Debezium's binary.handling.mode.
type Binary byte

// The forms of a bytea.
const (
	BinaryBytes     Binary = iota // its bytes; base64 where there can be text alone
	BinaryBase64                  // a text
	BinaryBase64URL               // a text
	BinaryHex                     // a text
)

// Binary returns the conversion for a bytea in that form. Other types are not changed.
func (c Conversion) Binary(form Binary) Conversion {
	if c.kind == kindBytea {
		c.kind = [...]kind{kindBytea, kindBase64, kindBase64URL, kindHex}[form]
	}
	return c
}

// Raw returns the conversion for a column whose bytes are the record's key or value:
// a bytea is taken over as its bytes.
func (c Conversion) Raw() Conversion {
	if c.kind == kindBytea && !c.array {
		c.kind = kindRawBytea
	}
	return c
}

// appendBytea appends the bytes of a bytea in Postgres' hex form.
func appendBytea(dst, src []byte) ([]byte, bool) {
	if len(src) < 2 || src[0] != '\\' || src[1] != 'x' {
		return dst, false
	}
	dst, err := hex.AppendDecode(dst, src[2:])
	return dst, err == nil
}

// appendBinary is appendScalar for bytea. A text is made by way of the bytes, which are
// decoded where the text will be.
func (c Conversion) appendBinary(dst, src []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := appendBytea(dst, src)
	switch {
	case !ok:
		return dst, false
	case c.kind == kindRawBytea:
		return dst, true
	case c.kind == kindHex:
		return append(dst[:start], src[2:]...), true
	case c.kind == kindBase64URL:
		return encodeInPlace(dst, start, base64.URLEncoding), true
	default:
		return encodeInPlace(dst, start, base64.StdEncoding), true
	}
}

// encodeInPlace replaces the bytes after start by their base64.
func encodeInPlace(dst []byte, start int, encoding *base64.Encoding) []byte {
	end := len(dst)
	dst = encoding.AppendEncode(dst, dst[start:end])
	n := copy(dst[start:], dst[end:])
	return dst[:start+n]
}

// appendBits appends a bit string as base64 of its bytes, the lowest first and
// without those that are zero at the high end, as java.util.BitSet gives them.
func appendBits(dst, src []byte) ([]byte, bool) {
	start := len(dst)
	var b byte
	n := 0
	for i, bit := range slices.Backward(src) {
		switch bit {
		case '1':
			b |= 1 << (n % 8)
		case '0':
		default:
			return dst, false
		}
		if n++; n%8 == 0 || i == 0 {
			dst = append(dst, b)
			b = 0
		}
	}
	for len(dst) > start && dst[len(dst)-1] == 0 {
		dst = dst[:len(dst)-1]
	}
	return encodeInPlace(dst, start, base64.StdEncoding), true
}
