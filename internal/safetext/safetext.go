// Package safetext makes texts of others safe to show: the ids, names and messages of
// rows, servers and other roles, which may be of any length and hold anything.
//
// It knows bytes and UTF-8, and only the standard library.
package safetext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName = 255     // bytes that are shown of an id or a name
	maxText = 4 << 10 // and of a sentence: an error, a reason, a hint
)

// TruncateName returns an id or a name as it is shown: its first 255 bytes and, if it is
// longer, its length.
func TruncateName[T string | []byte](name T) string { return Truncate(name, maxName) }

// TruncateText returns an error, a reason or a hint as it is shown: its first 4 KiB and,
// if it is longer, its length.
func TruncateText(text string) string { return Truncate(text, maxText) }

// Truncate returns s as valid UTF-8: at most limit bytes of it, followed by "…(N bytes)"
// if s is longer.
func Truncate[T string | []byte](s T, limit int) string {
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

// Escape returns s without anything that a terminal acts on. Control characters, line
// ends, tabs, marks of the direction of writing, and bytes that are not UTF-8 are written
// as \n, \u001b or \xff.
func Escape(s string) string { return escape(s, "") }

// EscapeLines is like Escape, but keeps line ends and tabs.
func EscapeLines(s string) string { return escape(s, "\n\t") }

func escape(s, keep string) string {
	doubtful := func(r rune) bool { return r == utf8.RuneError || active(r) } // a byte that is not UTF-8 is RuneError, as U+FFFD is
	if !strings.ContainsFunc(s, doubtful) {
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

// active reports whether a terminal may act on a character: C0, DEL and C1 controls, line
// and paragraph separators, marks and overrides of direction.
func active(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// OneLine returns the text with each run of blanks and line ends as one blank.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
