package connect

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/router/debezium"
)

// maxDigits is the longest number that Jackson reads.
const maxDigits = 1000

// string reads a string from behind its quote, and reports whether it has escapes.
func (e *Expander) string() (place span, escaped, ok bool) {
	start := e.off
	for e.off < e.size {
		switch c := e.text[e.off]; {
		case c == '"':
			e.off++
			return span{uint32(start), uint32(e.off - 1)}, escaped, true
		case c == '\\':
			_, n := unescape(e.text[e.off:e.size])
			if n == 0 {
				return span{}, false, false
			}
			e.off += n
			escaped = true
		case c < ' ':
			return span{}, false, false
		default:
			e.off++
		}
	}
	return span{}, false, false
}

// unescape returns the character of the escape at the front of text, and its length: 0 for
// one that JSON does not have, and for half of a surrogate pair.
func unescape(text []byte) (r rune, n int) {
	if len(text) < 2 {
		return 0, 0
	}
	if text[1] != 'u' {
		if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
			return rune("\"\\/\b\f\n\r\t"[i]), 2
		}
		return 0, 0
	}
	r, ok := unit(text)
	if !ok || !utf16.IsSurrogate(r) {
		return r, 6 * b2i(ok)
	}
	low, ok := unit(text[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unit reads \uXXXX.
func unit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// appendUnescaped appends what a string between its quotes stands for.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		r, n := unescape(raw[i:])
		dst = utf8.AppendRune(dst, r)
		i += max(n, 1)
	}
	return dst
}

// appendReescaped appends a string between its quotes with the escapes of JsonConverter.
func appendReescaped(dst, raw []byte) []byte {
	start := 0
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			i++
			continue
		}
		dst, _ = debezium.AppendEscaped(dst, raw[start:i])
		r, n := unescape(raw[i:])
		dst = debezium.AppendRune(dst, r)
		i += max(n, 1)
		start = i
	}
	dst, _ = debezium.AppendEscaped(dst, raw[start:])
	return dst
}

// number reads a number, strictly by RFC 8259.
func (e *Expander) number() (int32, bool) {
	start := e.off
	e.accept('-')
	first := e.off
	if !e.digits() || e.text[first] == '0' && e.off > first+1 {
		return 0, false
	}
	whole := true
	if e.accept('.') {
		whole = false
		if !e.digits() {
			return 0, false
		}
	}
	if e.accept('e') || e.accept('E') {
		whole = false
		if !e.accept('+') {
			e.accept('-')
		}
		if !e.digits() {
			return 0, false
		}
	}
	n := node{value: span{uint32(start), uint32(e.off)}}
	n.kind = numberKind(e.at(n.value), whole)
	if n.kind == kindNone {
		return 0, false
	}
	return e.add(n)
}

// numberKind returns the type that Debezium gives a number: none to one that is whole and no
// long, or larger than any double.
func numberKind(text []byte, whole bool) kind {
	if len(text) > maxDigits {
		return kindNone
	}
	if !whole {
		if _, err := strconv.ParseFloat(string(text), 64); err != nil {
			return kindNone
		}
		return kindDouble
	}
	long, ok := debezium.ParseInt(text)
	switch {
	case !ok:
		return kindNone
	case long >= math.MinInt32 && long <= math.MaxInt32:
		return kindInt32
	default:
		return kindInt64
	}
}

func (e *Expander) accept(c byte) bool {
	if e.off < e.size && e.text[e.off] == c {
		e.off++
		return true
	}
	return false
}

// digits reads digits, and reports whether there was at least one.
func (e *Expander) digits() bool {
	start := e.off
	for e.off < e.size && e.text[e.off] >= '0' && e.text[e.off] <= '9' {
		e.off++
	}
	return e.off > start
}
