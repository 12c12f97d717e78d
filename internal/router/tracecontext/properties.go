package tracecontext

import (
	"bytes"
	"unicode/utf8"

	"github.com/walpost/walpost/internal/router/jsontext"
)

// properties reads the text of java.util.Properties, as its store writes it: comments, and lines of a name, =, : or a
// blank, and a value, with escapes. A line that ends with a backslash goes on in the next one.
func (r *Reader) properties(text []byte) {
	for len(text) > 0 {
		text = bytes.TrimLeft(text, " \t\f\r\n")
		if len(text) > 0 && (text[0] == '#' || text[0] == '!') {
			end := bytes.IndexAny(text, "\r\n")
			if end < 0 {
				return
			}
			text = text[end:]
			continue
		}
		var name, value []byte
		name, text = r.unescape(text, "=: \t\f")
		text = bytes.TrimLeft(text, " \t\f")
		if len(text) > 0 && (text[0] == '=' || text[0] == ':') {
			text = bytes.TrimLeft(text[1:], " \t\f")
		}
		value, text = r.unescape(text, "")
		r.set(name, value)
	}
}

// unescape reads up to one of the separators or the end of the line, without escapes.
func (r *Reader) unescape(text []byte, separators string) (plain, rest []byte) {
	start, i := len(r.scratch), 0
	for i < len(text) && text[i] != '\n' && text[i] != '\r' && bytes.IndexByte([]byte(separators), text[i]) < 0 {
		if text[i] == '\\' && i+1 < len(text) {
			i += 1 + r.escaped(text[i+1:])
			continue
		}
		r.scratch = append(r.scratch, text[i])
		i++
	}
	return r.scratch[start:len(r.scratch):len(r.scratch)], text[i:]
}

// escaped appends what stands for an escape, and returns how long the escape is behind its backslash.
func (r *Reader) escaped(text []byte) int {
	const unicode = 5 // u and four digits
	switch c := text[0]; {
	case c == 'u' && len(text) >= unicode:
		var char rune
		for _, digit := range text[1:unicode] {
			char = char<<4 | jsontext.HexDigit(digit)&0xf
		}
		r.scratch = utf8.AppendRune(r.scratch, char)
		return unicode
	case c == '\n' || c == '\r':
		return len(text) - len(bytes.TrimLeft(text, " \t\f\r\n"))
	default:
		if at := bytes.IndexByte([]byte("tnrf"), c); at >= 0 {
			c = "\t\n\r\f"[at]
		}
		r.scratch = append(r.scratch, c)
		return 1
	}
}
