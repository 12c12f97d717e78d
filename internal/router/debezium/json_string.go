package debezium

import (
	"unicode/utf16"
	"unicode/utf8"
)

// AppendString appends a text as a string of JSON, with the escapes of Kafka's
// JsonConverter: control characters in upper case, characters beyond the Basic
// Multilingual Plane as surrogates, and nothing else that needs no escape. It is false
// when the text is not UTF-8.
func AppendString(dst, text []byte) ([]byte, bool) {
	dst = append(dst, '"')
	dst, ok := AppendEscaped(dst, text)
	return append(dst, '"'), ok
}

// AppendEscaped is AppendString without the quotes.
func AppendEscaped(dst, text []byte) ([]byte, bool) {
	start := 0 // of what is copied as it stands
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\':
			i++
			continue
		case c < utf8.RuneSelf:
			dst = AppendRune(append(dst, text[start:i]...), rune(c))
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return dst, false
		}
		if r > 0xffff {
			dst = AppendRune(append(dst, text[start:i]...), r)
			start = i + n
		}
		i += n
	}
	return append(dst, text[start:]...), true
}

// AppendRune appends a character as it stands in a string of JSON.
func AppendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r < ' ':
		return appendControl(dst, byte(r))
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(dst, high), low)
	default:
		return utf8.AppendRune(dst, r)
	}
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	default:
		return appendUnit(dst, rune(c))
	}
}

// appendUnit appends a code unit of UTF-16 as an escape.
func appendUnit(dst []byte, u rune) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}
