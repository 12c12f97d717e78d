package jsontext

import (
	"strings"
	"unicode/utf8"
)

// Scanner reads one JSON object. Strings without an escape alias the text. The first fault
// is kept, and from there on nothing is read; it never shows what the text holds.
type Scanner struct {
	b       []byte
	off     int
	fault   string
	scratch []byte
}

// New returns a Scanner of a text in UTF-8, which appends unescaped strings to scratch.
func New(b, scratch []byte) Scanner { return Scanner{b: b, scratch: scratch} }

// Fault returns what is wrong with the text, "" when nothing was.
func (s *Scanner) Fault() string { return s.fault }

// Scratch returns the scratch memory with what was appended.
func (s *Scanner) Scratch() []byte { return s.scratch }

// Append appends bytes of the caller to the scratch memory, and returns them there.
func (s *Scanner) Append(parts ...[]byte) []byte {
	start := len(s.scratch)
	for _, p := range parts {
		s.scratch = append(s.scratch, p...)
	}
	return s.scratch[start:len(s.scratch):len(s.scratch)]
}

// Fail notes a fault, and ends the reading.
func (s *Scanner) Fail(text string) {
	if s.fault == "" {
		s.fault = text
		s.off = len(s.b)
	}
}

// Object reads the whole of the text. It calls member behind the name of each member, to
// read its value.
func (s *Scanner) Object(member func(s *Scanner, name []byte)) {
	s.Want('{', "it is not a JSON object")
	s.members(member)
	s.space()
	if s.off != len(s.b) {
		s.Fail("something follows the JSON object")
	}
}

// members reads an object from behind its brace.
func (s *Scanner) members(member func(s *Scanner, name []byte)) {
	if s.Next('}') {
		return
	}
	for s.fault == "" {
		s.Want('"', "want a name in double quotes")
		name := s.Text()
		s.Want(':', "want a colon behind a name")
		member(s, name)
		if s.Next('}') {
			return
		}
		s.Want(',', "want a comma or the end of the object behind a value")
	}
}

func (s *Scanner) space() {
	for s.off < len(s.b) && strings.IndexByte(" \t\r\n", s.b[s.off]) >= 0 {
		s.off++
	}
}

// Next takes the next byte if it is c, and reports whether it was.
func (s *Scanner) Next(c byte) bool {
	s.space()
	if s.off < len(s.b) && s.b[s.off] == c {
		s.off++
		return true
	}
	return false
}

// Want takes the next byte, which must be c.
func (s *Scanner) Want(c byte, fault string) {
	if !s.Next(c) {
		s.Fail(fault)
	}
}

// Text reads a string from behind its quote. It is never nil.
func (s *Scanner) Text() []byte {
	start := s.off
	for ; s.off < len(s.b); s.off++ {
		switch c := s.b[s.off]; {
		case c == '"':
			s.off++
			return s.b[start : s.off-1 : s.off-1]
		case c == '\\':
			return s.unescape(start)
		case c < ' ':
			s.Fail("a control character in a string")
		}
	}
	s.Fail("a string without its end")
	return []byte{}
}

// unescape reads on in a string that began at start, from its first escape.
func (s *Scanner) unescape(start int) []byte {
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
			s.Fail("a control character in a string")
		default:
			s.scratch = append(s.scratch, c)
		}
	}
	s.Fail("a string without its end")
	return []byte{}
}

// escape reads one escape from behind its backslash.
func (s *Scanner) escape() {
	r, n, fault := Unescape(s.b[s.off-1:])
	if fault != "" {
		s.Fail(fault)
		return
	}
	s.off += n - 1
	s.scratch = utf8.AppendRune(s.scratch, r)
}
