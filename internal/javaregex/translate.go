package javaregex

import (
	"slices"
	"strconv"
	"strings"
)

// translator writes an expression of Java in Go's syntax.
type translator struct {
	source   []rune
	at       int
	out      strings.Builder
	names    []string // of the groups, in their order; "" for one without a name
	depth    int
	anyCase  bool // flag i
	lineEnds bool // flag s: . is a line end too
}

// maxDepth bounds the recursion.
const maxDepth = 100

// unquote writes what stands between \Q and \E with escapes.
func unquote(expression string) string {
	var out strings.Builder
	for {
		begin := strings.IndexByte(expression, '\\')
		if begin < 0 || begin+1 == len(expression) {
			out.WriteString(expression)
			return out.String()
		}
		out.WriteString(expression[:begin])
		if expression[begin+1] != 'Q' {
			out.WriteString(expression[begin : begin+2])
			expression = expression[begin+2:]
			continue
		}
		quoted, rest, _ := strings.Cut(expression[begin+2:], `\E`)
		for _, c := range quoted {
			out.WriteString(hex(c))
		}
		expression = rest
	}
}

func (t *translator) more() bool { return t.at < len(t.source) }

// peek returns the next character, 0 at the end.
func (t *translator) peek() rune { return t.ahead(0) }

// ahead returns the character so many places further, 0 behind the end.
func (t *translator) ahead(n int) rune {
	if t.at+n < len(t.source) {
		return t.source[t.at+n]
	}
	return 0
}

// starts reports whether the rest begins with a text.
func (t *translator) starts(text string) bool {
	runes := []rune(text)
	return len(t.source)-t.at >= len(runes) && slices.Equal(t.source[t.at:t.at+len(runes)], runes)
}

// take skips a text, and reports whether the rest began with it.
func (t *translator) take(text string) bool {
	if !t.starts(text) {
		return false
	}
	t.at += len([]rune(text))
	return true
}

// place is where in the expression a construct is, from 1.
func place(at int) string { return " at character " + strconv.Itoa(at+1) }

func (t *translator) translate() error {
	if slices.Contains(t.source, 0) {
		return refuse("has a NUL: write it as \\x00")
	}
	if _, err := t.alternatives(); err != nil {
		return err
	}
	if t.more() {
		return refuse("has a ) without its (" + place(t.at) + `: write \) for a parenthesis`)
	}
	return nil
}

// alternatives reads up to the end or a ), and reports whether the empty text matches.
func (t *translator) alternatives() (empty bool, err error) {
	if t.depth++; t.depth > maxDepth {
		return false, refuse("has groups in more than " + strconv.Itoa(maxDepth) + " groups")
	}
	defer func() { t.depth-- }()
	for {
		none, err := t.sequence()
		if err != nil {
			return false, err
		}
		empty = empty || none
		if !t.take("|") {
			return empty, nil
		}
		t.out.WriteByte('|')
	}
}

// sequence reads up to the end, a | or a ), and reports whether the empty text matches.
func (t *translator) sequence() (empty bool, err error) {
	empty = true
	for t.more() && t.peek() != '|' && t.peek() != ')' {
		if anchored, err := t.anchor(); err != nil {
			return false, err
		} else if anchored {
			continue
		}
		none, err := t.atom()
		if err != nil {
			return false, err
		}
		if none, err = t.quantified(none); err != nil {
			return false, err
		}
		empty = empty && none
	}
	return empty, nil
}

// anchor reads ^, $, \A, \Z or \z, and reports whether there was one.
func (t *translator) anchor() (bool, error) {
	begin := t.at
	switch {
	case t.take("^"), t.take(`\A`):
		t.out.WriteString(`\A`)
	case t.take("$"), t.take(`\Z`), t.take(`\z`):
		// A line end at the end of the text, before which $ matches in Java, is in no topic.
		t.out.WriteString(`\z`)
		if t.more() && t.peek() != '|' && t.peek() != ')' {
			return false, refuse("has something after the end of the text" + place(begin) + `: write \$ for a dollar sign`)
		}
	default:
		return false, nil
	}
	if t.more() && strings.ContainsRune("*+?{", t.peek()) {
		return false, refuse("has a quantifier after the beginning or the end of the text" + place(t.at) + ": leave it out")
	}
	return true, nil
}

// atom reads one character, class or group, and reports whether the empty text matches it.
func (t *translator) atom() (empty bool, err error) {
	begin := t.at
	switch c := t.peek(); c {
	case '(':
		return t.group()
	case '[':
		s, err := t.class()
		t.out.WriteString(s.String())
		return false, err
	case '.':
		t.at++
		t.dot()
		return false, nil
	case '\\':
		s, err := t.escape()
		if err != nil {
			return false, err
		}
		t.out.WriteString(s.String())
		return false, nil
	case '*', '+', '?', '{':
		return false, refuse("has a " + string(c) + " with nothing to repeat" + place(begin) +
			`: write \` + string(c) + " for the character")
	default:
		t.at++
		t.out.WriteString(t.literal(c).String())
		return false, nil
	}
}

func (t *translator) dot() {
	if t.lineEnds {
		t.out.WriteString(`(?s:.)`)
		return
	}
	t.out.WriteString(lineEnds().negated().String())
}

// literal is a character, with its other case under the flag i.
func (t *translator) literal(c rune) set {
	s := set{{c, c}}
	if t.anyCase {
		return s.anyCase()
	}
	return s
}
