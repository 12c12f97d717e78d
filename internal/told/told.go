// Package told makes the texts of others fit to be told: the ids, names and messages
// of rows, servers and other roles, which may be of any length and hold anything.
//
// It knows bytes and UTF-8, and only the standard library.
package told

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// nameLimit is what is told of an id or a name.
	nameLimit = 255
	// wordsLimit is what is told of a sentence: an error, a reason, a hint.
	wordsLimit = 4 << 10
)

// Name is an id or a name as it is told: its first 255 bytes, and how many there are
// when there are more.
func Name[T string | []byte](name T) string { return Cut(name, nameLimit) }

// Words are an error's, a reason's or a hint's words as they are told: the first
// 4 KiB of them.
func Words(words string) string { return Cut(words, wordsLimit) }

// Cut is the beginning of s, limit bytes at most, and "…(N bytes)" behind it when s
// is longer. It is valid UTF-8.
func Cut[T string | []byte](s T, limit int) string {
	if len(s) <= limit {
		return strings.ToValidUTF8(string(s), "\uFFFD")
	}
	head := string(s[:limit])
	for range utf8.UTFMax - 1 { // the limit may lie in a character
		if r, n := utf8.DecodeLastRuneInString(head); r != utf8.RuneError || n != 1 {
			break
		}
		head = head[:len(head)-1]
	}
	return fmt.Sprintf("%s…(%d bytes)", strings.ToValidUTF8(head, "\uFFFD"), len(s))
}

// Escape is s without anything that does more on a terminal than to be shown: control
// characters, line ends and tabs among them, marks of the direction of writing, and
// bytes that are not UTF-8 are written as \n, \u001b or \xff.
func Escape(s string) string { return escape(s, "") }

// EscapeLines is Escape for a text of several lines: line ends and tabs stay.
func EscapeLines(s string) string { return escape(s, "\n\t") }

func escape(s, keep string) string {
	clean := true
	for _, r := range s { // a byte that is not UTF-8 is RuneError, as U+FFFD itself is
		if r == utf8.RuneError || active(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && s[i] != "\uFFFD"[0]:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !active(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// active reports whether a terminal may do something at a character: C0, DEL and C1
// controls, line and paragraph separators, marks and overrides of direction.
func active(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
