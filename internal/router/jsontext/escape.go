package jsontext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape returns the character of the escape at the front of a text, and its length; or
// what is wrong with it.
func Unescape(text []byte) (r rune, n int, fault string) {
	if len(text) < 2 {
		return 0, 0, "a string without its end"
	}
	if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2, ""
	}
	if text[1] != 'u' {
		return 0, 0, "an escape that JSON does not have"
	}
	if r, fault = unit(text); fault != "" || !utf16.IsSurrogate(r) {
		return r, unitLength, fault
	}
	low, fault := unit(text[unitLength:])
	if r = utf16.DecodeRune(r, low); fault != "" || r == utf8.RuneError {
		return 0, 0, "half of a surrogate pair"
	}
	return r, 2 * unitLength, ""
}

const unitLength = len(`\u0000`)

// unit reads \uXXXX.
func unit(text []byte) (r rune, fault string) {
	if len(text) < unitLength || text[0] != '\\' || text[1] != 'u' {
		return 0, "an escape that is cut off"
	}
	for _, c := range text[2:unitLength] {
		digit := HexDigit(c)
		if digit < 0 {
			return 0, "an escape without four hexadecimal digits"
		}
		r = r<<4 | digit
	}
	return r, ""
}

// HexDigit returns the value of a hexadecimal digit, -1 for others.
func HexDigit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c - 'a' + 10)
	case c >= 'A' && c <= 'F':
		return rune(c - 'A' + 10)
	default:
		return -1
	}
}
