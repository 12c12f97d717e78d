package message

import "github.com/walpost/walpost/internal/router/jsontext"

// jsonKind is the kind of a value in a message.
type jsonKind int

const (
	jsonNull  jsonKind = iota
	jsonText           // a string, unescaped; a number, true or false as it stands
	jsonBytes          // {"hex": "…"}, in Postgres' form of bytea: \x and digits
)

// value reads a value of a message, which has no structure.
func value(s *jsontext.Scanner) ([]byte, jsonKind) {
	switch {
	case s.Next('"'):
		return s.Text(), jsonText
	case s.Next('{'):
		return hex(s)
	}
	word, kind := s.Word(`want a string, a number, true, false, null or {"hex": "…"} for a value`)
	if kind == jsontext.Null {
		return nil, jsonNull
	}
	return word, jsonText
}

// hex reads {"hex": "…"} from behind its brace.
func hex(s *jsontext.Scanner) ([]byte, jsonKind) {
	const want = `want {"hex": "…"} with an even number of hexadecimal digits for bytes, and a payload of JSON as a string`
	s.Want('"', want)
	if string(s.Text()) != "hex" {
		s.Fail(want)
	}
	s.Want(':', want)
	s.Want('"', want)
	digits := s.Text()
	s.Want('}', want)
	for _, c := range digits {
		if jsontext.HexDigit(c) < 0 {
			s.Fail(want)
		}
	}
	if len(digits)%2 != 0 {
		s.Fail(want)
	}
	return s.Append([]byte(`\x`), digits), jsonBytes
}
