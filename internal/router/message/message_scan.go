package message

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonKind is the kind of a value in a message.
type jsonKind int

const (
	jsonNull  jsonKind = iota
	jsonText           // a string, unescaped; a number, true or false as it stands
	jsonBytes          // {"hex": "…"}, in Postgres' form of bytea: \x and digits
)

// scanner reads the JSON of a message: one object of values that have no
// structure. Strings without an escape alias the content. The first fault is kept,
// and from there on nothing is read.
type scanner struct {
	b       []byte
	off     int
	fault   string
	scratch []byte
}

func (s *scanner) fail(text string) {
	if s.fault == "" {
		s.fault = text
		s.off = len(s.b)
	}
}

// object reads the whole of the content.
func (s *scanner) object(member func(s *scanner, name []byte)) {
	s.want('{', "it is not a JSON object")
	s.members(member)
	s.space()
	if s.off != len(s.b) {
		s.fail("something follows the JSON object")
	}
}

// members reads an object from behind its brace.
func (s *scanner) members(member func(s *scanner, name []byte)) {
	if s.next('}') {
		return
	}
	for s.fault == "" {
		s.want('"', "want a name in double quotes")
		name := s.text()
		s.want(':', "want a colon behind a name")
		member(s, name)
		if s.next('}') {
			return
		}
		s.want(',', "want a comma or the end of the object behind a value")
	}
}

func (s *scanner) space() {
	for s.off < len(s.b) && strings.IndexByte(" \t\r\n", s.b[s.off]) >= 0 {
		s.off++
	}
}

// next takes the next byte if it is b, and reports whether it was.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.off < len(s.b) && s.b[s.off] == c {
		s.off++
		return true
	}
	return false
}

func (s *scanner) want(c byte, fault string) {
	if !s.next(c) {
		s.fail(fault)
	}
}

func (s *scanner) value() ([]byte, jsonKind) {
	switch {
	case s.next('"'):
		return s.text(), jsonText
	case s.next('{'):
		return s.hex()
	}
	start := s.off
	for s.off < len(s.b) && strings.IndexByte(" \t\r\n,}", s.b[s.off]) < 0 {
		s.off++
	}
	word := s.b[start:s.off]
	switch {
	case string(word) == "null":
		return nil, jsonNull
	case string(word) == "true", string(word) == "false", isNumber(word):
		return word, jsonText
	default:
		s.fail(`want a string, a number, true, false, null or {"hex": "…"} for a value`)
		return nil, jsonNull
	}
}

// hex reads {"hex": "…"} from behind its brace.
func (s *scanner) hex() ([]byte, jsonKind) {
	const want = `want {"hex": "…"} with an even number of hexadecimal digits for bytes, and a payload of JSON as a string`
	s.want('"', want)
	if string(s.text()) != "hex" {
		s.fail(want)
	}
	s.want(':', want)
	s.want('"', want)
	digits := s.text()
	s.want('}', want)
	for _, c := range digits {
		if hexDigit(c) < 0 {
			s.fail(want)
		}
	}
	if len(digits)%2 != 0 {
		s.fail(want)
	}
	start := len(s.scratch)
	s.scratch = append(append(s.scratch, `\x`...), digits...)
	return s.scratch[start:len(s.scratch):len(s.scratch)], jsonBytes
}

// text reads a string from behind its quote. It is never nil.
func (s *scanner) text() []byte {
	start := s.off
	for ; s.off < len(s.b); s.off++ {
		switch c := s.b[s.off]; {
		case c == '"':
			s.off++
			return s.b[start : s.off-1 : s.off-1]
		case c == '\\':
			return s.unescape(start)
		case c < ' ':
			s.fail("a control character in a string")
		}
	}
	s.fail("a string without its end")
	return []byte{}
}

// unescape reads on in a string that began at start, from its first escape.
func (s *scanner) unescape(start int) []byte {
	from := len(s.scratch)
	s.scratch = append(s.scratch, s.b[start:s.off]...)
	for s.off < len(s.b) {
		c := s.b[s.off]
		s.off++
		switch {
		case c == '"':
			return s.scratch[from:len(s.scratch):len(s.scratch)]
		case c == '\\':
			s.escape()
		case c < ' ':
			s.fail("a control character in a string")
		default:
			s.scratch = append(s.scratch, c)
		}
	}
	s.fail("a string without its end")
	return []byte{}
}

// escape reads one escape from behind its backslash.
func (s *scanner) escape() {
	if s.off == len(s.b) {
		return
	}
	c := s.b[s.off]
	s.off++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		s.scratch = append(s.scratch, "\"\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' {
		s.fail("an escape that JSON does not have")
		return
	}
	r := s.hex4()
	if utf16.IsSurrogate(r) {
		second := rune(-1)
		if bytes.HasPrefix(s.b[s.off:], []byte(`\u`)) {
			s.off += 2
			second = s.hex4()
		}
		if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
			s.fail("half of a surrogate pair")
			return
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
}

// hex4 reads four hexadecimal digits.
func (s *scanner) hex4() rune {
	if len(s.b)-s.off < 4 {
		s.fail("an escape that is cut off")
		return 0
	}
	var r rune
	for _, c := range s.b[s.off : s.off+4] {
		digit := hexDigit(c)
		if digit < 0 {
			s.fail("an escape without four hexadecimal digits")
			return 0
		}
		r = r<<4 | digit
	}
	s.off += 4
	return r
}

// hexDigit is the value of a hexadecimal digit, -1 for others.
func hexDigit(c byte) rune {
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

// isNumber reports whether a word is a number of JSON.
func isNumber(w []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(w) && w[n] >= '0' && w[n] <= '9' {
			n++
		}
		w = w[n:]
		return n > 0
	}
	if len(w) > 0 && w[0] == '-' {
		w = w[1:]
	}
	zero := len(w) > 0 && w[0] == '0'
	before := len(w)
	if !digits() || zero && before-len(w) > 1 {
		return false
	}
	if len(w) > 0 && w[0] == '.' {
		w = w[1:]
		if !digits() {
			return false
		}
	}
	if len(w) > 0 && (w[0] == 'e' || w[0] == 'E') {
		w = w[1:]
		if len(w) > 0 && (w[0] == '+' || w[0] == '-') {
			w = w[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(w) == 0
}
