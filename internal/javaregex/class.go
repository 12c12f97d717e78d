package javaregex

import (
	"strconv"
	"strings"
)

// class reads a class in brackets.
func (t *translator) class() (set, error) {
	begin := t.at
	t.at++
	negated := t.take("^")
	var s set
	for first := true; ; first = false {
		switch {
		case !t.more():
			return nil, refuse("has a [ without its ]" + place(begin) + `: write \[ for a bracket`)
		case t.peek() == ']' && first:
			return nil, refuse("has a class that begins with ]" + place(t.at) + `: write \] for the bracket`)
		case t.peek() == '[':
			return nil, refuse("has a class in a class" + place(t.at) + `: write the characters of both in one, or \[ for the bracket`)
		case t.starts("&&"):
			return nil, refuse("has an intersection of classes, &&" + place(t.at) + ": write the characters that are in both")
		case t.take("]"):
			if negated {
				return s.negated(), nil
			}
			return s, nil
		}
		item, err := t.item()
		if err != nil {
			return nil, err
		}
		s = append(s, item...)
	}
}

// item reads a character, a range or an escape of a class.
func (t *translator) item() (set, error) {
	begin := t.at
	first, s, err := t.classCharacter()
	if err != nil || s != nil {
		return s, err
	}
	if t.peek() != '-' || t.ahead(1) == ']' || t.ahead(1) == '[' || t.ahead(1) == 0 {
		return t.literal(first), nil
	}
	t.at++
	last, s, err := t.classCharacter()
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return nil, refuse("has a range that ends with a class" + place(begin) + `: write \- for a hyphen`)
	case last < first:
		return nil, refuse("has a range whose end comes before its beginning" + place(begin) + `: write \- for a hyphen`)
	}
	s = set{{first, last}}
	if t.anyCase {
		s = s.anyCase()
	}
	return s, nil
}

// classCharacter reads a character of a class, or the set of an escape like \d.
func (t *translator) classCharacter() (rune, set, error) {
	if t.peek() != '\\' {
		c := t.peek()
		t.at++
		return c, nil, nil
	}
	if s, err := t.predefined(); s != nil || err != nil {
		return 0, s, err
	}
	c, err := t.character()
	return c, nil, err
}

// escape reads an escape outside of a class.
func (t *translator) escape() (set, error) {
	if s, err := t.predefined(); s != nil || err != nil {
		return s, err
	}
	c, err := t.character()
	return t.literal(c), err
}

// predefined reads the escape of a class like \d, or returns nil.
func (t *translator) predefined() (set, error) {
	var s set
	c := t.ahead(1)
	switch c {
	case 'd', 'D':
		s = digits()
	case 'w', 'W':
		s = word()
	case 's', 'S':
		s = space()
	case 'h', 'H':
		s = horizontal()
	case 'v', 'V':
		s = vertical()
	case 'p', 'P':
		return t.property()
	default:
		return nil, nil //nolint:nilnil // no such escape
	}
	t.at += 2
	if c >= 'A' && c <= 'Z' {
		return s.negated(), nil
	}
	return s, nil
}

// property reads \p{name}, \P{name} or \pL.
func (t *translator) property() (set, error) {
	begin := t.at
	negated := t.ahead(1) == 'P'
	t.at += 2
	name := string(t.peek())
	if t.take("{") {
		end := t.at
		for end < len(t.source) && t.source[end] != '}' {
			end++
		}
		name = string(t.source[t.at:end])
		t.at = end
		if !t.more() {
			return nil, refuse(`has a \p{ without its }` + place(begin))
		}
	}
	t.at++
	s, ok := posix(name)
	if !ok {
		s, ok = category(name)
	}
	if !ok {
		return nil, refuse(`has \p{` + name + "}, which walpost does not have" + place(begin) +
			`: write \p{Alpha} or another class of ASCII, a category like \p{Lu}, or the characters`)
	}
	if t.anyCase && (name == "Lower" || name == "Upper" || strings.HasPrefix(name, "L")) {
		return nil, refuse(`has \p{` + name + "} under the flag i" + place(begin) + ", which versions of Java read differently: write " +
			"[a-zA-Z], or leave out the flag")
	}
	if negated {
		return s.negated(), nil
	}
	return s, nil
}

// character reads the escape of one character.
func (t *translator) character() (rune, error) {
	begin := t.at
	t.at++
	if !t.more() {
		return 0, refuse(`has a \ at its end: write \\ for a backslash`)
	}
	c := t.peek()
	t.at++
	switch c {
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 'f':
		return '\f', nil
	case 'a':
		return '\a', nil
	case 'e':
		return 0x1b, nil
	case 'x':
		return t.hexadecimal(begin)
	case 'u':
		return t.fixed(begin, 4)
	}
	if c <= 0x7f && alnum().has(c) {
		what, instead := meaning(c)
		return 0, refuse("has " + what + place(begin) + instead)
	}
	return c, nil
}

// meaning says what an escape is that walpost does not have, and what to write.
func meaning(c rune) (what, instead string) {
	what = `\` + string(c)
	switch c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'k':
		return "a back-reference, " + what, ", which walpost does not have: match the text itself, and let the replacement have the group"
	case 'b', 'B', 'G', 'R', 'X', 'N':
		return what, ", which walpost does not have: write the characters that may be there"
	case '0', 'c':
		return what, `, which walpost does not have: write \xhh`
	case 'E':
		return `\E without \Q`, ": leave it out"
	}
	return what, ", which is no escape in Java: write " + string(c)
}

// hexadecimal reads hh or {h…h}.
func (t *translator) hexadecimal(begin int) (rune, error) {
	if !t.take("{") {
		return t.fixed(begin, 2)
	}
	end := t.at
	for end < len(t.source) && t.source[end] != '}' {
		end++
	}
	c, err := strconv.ParseUint(string(t.source[t.at:end]), 16, 32)
	t.at = end
	if err != nil || !t.take("}") || !valid(c) {
		return 0, refuse("has no hexadecimal number of a character" + place(begin) + `: write \x{1F600}`)
	}
	return rune(c), nil
}

// fixed reads so many hexadecimal digits.
func (t *translator) fixed(begin, n int) (rune, error) {
	end := min(t.at+n, len(t.source))
	text := string(t.source[t.at:end])
	c, err := strconv.ParseUint(text, 16, 32)
	t.at = end
	if err != nil || len(text) != n || !valid(c) {
		return 0, refuse("has no hexadecimal number of a character" + place(begin) + `: write \xhh or \uhhhh, and \x{h…} above U+FFFF`)
	}
	return rune(c), nil
}

func valid(c uint64) bool { return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) }
