package javaregex

import (
	"strconv"
	"strings"
)

// part of a replacement is a literal, or a group from 0.
type part struct {
	literal string
	group   int // -1: a literal
}

// parseReplacement reads a replacement as Matcher.replaceFirst does. names has the name of
// each group, "" for one without.
func parseReplacement(text string, names []string) ([]part, error) {
	p := replacementParser{rest: text, names: names}
	for p.rest != "" {
		c := p.rest[0]
		p.rest = p.rest[1:]
		var err error
		switch c {
		case '\\':
			err = p.escaped()
		case '$':
			err = p.group()
		default:
			p.literal.WriteByte(c)
		}
		if err != nil {
			return nil, err
		}
	}
	p.flush()
	return p.parts, nil
}

type replacementParser struct {
	rest    string
	names   []string
	literal strings.Builder
	parts   []part
}

func (p *replacementParser) flush() {
	if p.literal.Len() > 0 {
		p.parts = append(p.parts, part{literal: p.literal.String(), group: -1})
		p.literal.Reset()
	}
}

func (p *replacementParser) escaped() error {
	if p.rest == "" {
		return refuseReplacement(`has a \ at its end: write \\ for a backslash`)
	}
	p.literal.WriteByte(p.rest[0])
	p.rest = p.rest[1:]
	return nil
}

// group reads what stands behind a $.
func (p *replacementParser) group() error {
	if strings.HasPrefix(p.rest, "{") {
		return p.named()
	}
	if p.rest == "" || !digit(p.rest[0]) {
		return refuseReplacement(`has a $ without a group: write $1, ${name}, or \$ for a dollar sign`)
	}
	number := int(p.rest[0] - '0')
	p.rest = p.rest[1:]
	if number > len(p.names) {
		return refuseReplacement("names the group $" + strconv.Itoa(number) + ", and topic_regex has " + groups(len(p.names)))
	}
	// More digits belong to the number as long as there is such a group.
	for p.rest != "" && digit(p.rest[0]) {
		longer := number*10 + int(p.rest[0]-'0')
		if longer > len(p.names) {
			break
		}
		number = longer
		p.rest = p.rest[1:]
	}
	p.flush()
	p.parts = append(p.parts, part{group: number})
	return nil
}

// named reads {name}.
func (p *replacementParser) named() error {
	name, rest, closed := strings.Cut(p.rest[1:], "}")
	if !closed {
		return refuseReplacement("has a ${ without its }")
	}
	p.rest = rest
	for i, n := range p.names {
		if n == name && name != "" {
			p.flush()
			p.parts = append(p.parts, part{group: i + 1})
			return nil
		}
	}
	return refuseReplacement("names the group ${" + name + "}, which topic_regex has not: (?<" + name + ">…) would be one")
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func groups(n int) string {
	switch n {
	case 0:
		return "no group"
	case 1:
		return "one group"
	}
	return strconv.Itoa(n) + " groups"
}

func refuseReplacement(text string) error { return &Error{Replacement: true, Text: text} }
