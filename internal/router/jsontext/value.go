package jsontext

import "strings"

// MaxDepth bounds how deep objects and lists may be nested in a value.
const MaxDepth = 500

// Kind is what a value is.
type Kind int

// The kinds of values.
const (
	Null   Kind = iota
	String      // unescaped
	Scalar      // a number, true or false, as it is written
	Nested      // an object or a list, as it is written
)

// Value reads any value and returns its text; nil for null.
func (s *Scanner) Value() (text []byte, kind Kind) {
	s.space()
	start := s.off
	switch {
	case s.Next('"'):
		return s.Text(), String
	case s.off < len(s.b) && (s.b[s.off] == '{' || s.b[s.off] == '['):
		s.skip(0)
		kind = Nested
	default:
		text, kind = s.Word("want a JSON value")
	}
	switch {
	case s.fault != "":
		return nil, Null
	case kind == Nested:
		return s.b[start:s.off:s.off], Nested
	}
	return text, kind
}

// Word reads a number, true, false or null. Anything else is the fault that is given.
func (s *Scanner) Word(fault string) (text []byte, kind Kind) {
	s.space()
	start := s.off
	for s.off < len(s.b) && strings.IndexByte(" \t\r\n,}]", s.b[s.off]) < 0 {
		s.off++
	}
	word := s.b[start:s.off:s.off]
	switch {
	case string(word) == "null":
		return nil, Null
	case string(word) == "true", string(word) == "false", isNumber(word):
		return word, Scalar
	default:
		s.Fail(fault)
		return nil, Null
	}
}

// IsNull reports whether a text is null alone, with or without blanks around it.
func IsNull(b []byte) bool {
	s := Scanner{b: b}
	_, kind := s.Word("want null")
	s.space()
	return kind == Null && s.fault == "" && s.off == len(b)
}

// skip reads over a value that is depth deep.
func (s *Scanner) skip(depth int) {
	switch {
	case depth > MaxDepth:
		s.Fail("objects and lists are nested too deep")
	case s.Next('"'):
		s.skipText()
	case s.Next('{'):
		s.skipItems('}', "want a comma or the end of the object behind a value", func() {
			s.Want('"', "want a name in double quotes")
			s.skipText()
			s.Want(':', "want a colon behind a name")
			s.skip(depth + 1)
		})
	case s.Next('['):
		s.skipItems(']', "want a comma or the end of the list behind a value", func() { s.skip(depth + 1) })
	default:
		_, _ = s.Word("want a JSON value") // its fault is kept
	}
}

// skipItems reads over what an object or a list has, from behind its first brace to the last.
func (s *Scanner) skipItems(end byte, fault string, item func()) {
	if s.Next(end) {
		return
	}
	for s.fault == "" {
		item()
		if s.Next(end) {
			return
		}
		s.Want(',', fault)
	}
}

// skipText reads over a string from behind its quote.
func (s *Scanner) skipText() {
	kept := len(s.scratch)
	_ = s.Text()
	s.scratch = s.scratch[:kept]
}
