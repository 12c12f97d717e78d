package connect

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/router/jsontext"
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
			_, n, _ := jsontext.Unescape(e.text[e.off:e.size])
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

// appendUnescaped appends what a string between its quotes stands for.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		r, n, _ := jsontext.Unescape(raw[i:])
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
		r, n, _ := jsontext.Unescape(raw[i:])
		dst = debezium.AppendRune(dst, r)
		i += max(n, 1)
		start = i
	}
	dst, _ = debezium.AppendEscaped(dst, raw[start:])
	return dst
}

// number reads a number.
func (e *Expander) number() (int32, bool) {
	length, whole := jsontext.Number(e.text[e.off:e.size])
	if length == 0 {
		return 0, false
	}
	n := node{value: span{uint32(e.off), uint32(e.off + length)}}
	e.off += length
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
