package javaregex

import (
	"slices"
	"strings"
)

// lacking is what Go's expressions do not have, by how it begins: what it is, and what to
// write.
func lacking() [][3]string {
	const name, instead = "a look-ahead or look-behind", ", which walpost does not have: match the text itself in a group, and use what " +
		"the replacement needs of it"
	return [][3]string{
		{"(?=", name, instead},
		{"(?!", name, instead},
		{"(?<=", name, instead},
		{"(?<!", name, instead},
		{"(?>", "an atomic group", ", which walpost does not have: write (?:…)"},
		{"(?P", "(?P", ", which Java does not have: write (?<name>…)"},
	}
}

// group reads a group or flags, and reports whether the empty text matches.
func (t *translator) group() (empty bool, err error) {
	begin := t.at
	for _, l := range lacking() {
		if t.starts(l[0]) {
			return false, refuse("has " + l[1] + place(begin) + l[2])
		}
	}
	anyCase, lineEnds := t.anyCase, t.lineEnds
	switch {
	case t.take("(?<"):
		err = t.named(begin)
	case t.take("(?:"):
		t.out.WriteString("(?:")
	case t.take("(?"):
		var ended bool
		if ended, err = t.flags(begin); ended || err != nil {
			return true, err // they are in force up to the end of the group around them
		}
	default:
		t.at++
		t.names = append(t.names, "")
		t.out.WriteByte('(')
	}
	if err != nil {
		return false, err
	}
	if empty, err = t.alternatives(); err != nil {
		return false, err
	}
	if !t.take(")") {
		return false, refuse("has a ( without its )" + place(begin) + `: write \( for a parenthesis`)
	}
	t.anyCase, t.lineEnds = anyCase, lineEnds
	t.out.WriteByte(')')
	return empty, nil
}

// named reads the name of a group behind (?<.
func (t *translator) named(begin int) error {
	var name strings.Builder
	for t.more() && t.peek() != '>' {
		name.WriteRune(t.peek())
		t.at++
	}
	if !t.take(">") || !groupName(name.String()) {
		return refuse("has a group whose name is not of letters and digits, with a letter first" + place(begin))
	}
	if slices.Contains(t.names, name.String()) {
		return refuse("has two groups with the name " + name.String() + place(begin))
	}
	t.names = append(t.names, name.String())
	t.out.WriteByte('(')
	return nil
}

func groupName(name string) bool {
	for i := range len(name) {
		if c := rune(name[i]); !alpha().has(c) && (i == 0 || !digits().has(c)) {
			return false
		}
	}
	return name != ""
}

// flags reads flags behind (?, and reports whether no group follows them.
func (t *translator) flags(begin int) (ended bool, err error) {
	on := true
	for t.more() {
		c := t.peek()
		t.at++
		switch c {
		case '-':
			if !on {
				return false, refuse("has two - in its flags" + place(begin))
			}
			on = false
		case 'i':
			t.anyCase = on
		case 's':
			t.lineEnds = on
		case ':':
			t.out.WriteString("(?:")
			return false, nil
		case ')':
			if t.more() && strings.ContainsRune("*+?{", t.peek()) {
				return false, refuse("has a quantifier after flags" + place(t.at) + ": leave it out")
			}
			return true, nil
		default:
			return false, refuse("has the flag " + string(c) + place(begin) + ": of Java's flags walpost has i and s")
		}
	}
	return false, refuse("has a ( without its )" + place(begin) + `: write \( for a parenthesis`)
}

// quantified reads the quantifier of what was read last, if it has one. empty says whether
// the empty text matches that, and what is returned whether it matches both.
func (t *translator) quantified(empty bool) (bool, error) {
	begin := t.at
	once, none, text, err := t.quantifier()
	if err != nil || text == "" {
		return empty, err
	}
	if empty && !once {
		return false, refuse("repeats a group that matches nothing as well, as (a*)* does" + place(begin) +
			": leave out one of the two quantifiers")
	}
	if t.take("+") {
		return false, refuse("has a possessive quantifier, which walpost does not have" + place(begin) + ": leave out its last +")
	}
	if t.take("?") {
		text += "?"
	}
	if t.more() && strings.ContainsRune("*+?{", t.peek()) {
		return false, refuse("has two quantifiers in a row" + place(t.at) + ": leave one out")
	}
	t.out.WriteString(text)
	return empty || none, nil
}

// quantifier reads a quantifier: "" if there is none, whether it repeats at most once, and
// whether it matches nothing.
func (t *translator) quantifier() (once, none bool, text string, err error) {
	switch {
	case t.take("*"):
		return false, true, "*", nil
	case t.take("+"):
		return false, false, "+", nil
	case t.take("?"):
		return true, true, "?", nil
	case !t.take("{"):
		return false, false, "", nil
	}
	begin := t.at - 1
	least, ok := t.number()
	most := least
	comma := ok && t.take(",")
	if comma {
		most, _ = t.number()
	}
	if low, high := len(least), len(most); most != "" && (high < low || high == low && most < least) {
		return false, false, "", refuse("has a repetition whose end is below its beginning" + place(begin))
	}
	if !ok || !t.take("}") {
		return false, false, "", refuse("has a { that is no repetition" + place(begin) +
			`: write {2}, {2,} or {2,5}, or \{ for the character`)
	}
	text = "{" + least
	if comma {
		text += "," + most
	}
	return most == "0" || most == "1", least == "0", text + "}", nil
}

// number reads digits, without zeros before them.
func (t *translator) number() (string, bool) {
	begin := t.at
	for digits().has(t.peek()) {
		t.at++
	}
	if t.at == begin {
		return "", false
	}
	if n := strings.TrimLeft(string(t.source[begin:t.at]), "0"); n != "" {
		return n, true
	}
	return "0", true
}
