package connector

import (
	"regexp"
	"strings"
)

// Debezium's defaults.
const (
	defaultRoute       = "aggregatetype"
	defaultRegex       = `(?<routedByValue>.*)`
	defaultReplacement = `outbox.event.${routedByValue}`
)

// route is how the topic is made: a template over a column, and a regular expression over that if it needs one.
type route struct {
	before, column, after string
	regex, replacement    string
	from                  []option
}

func (r route) template() string { return r.before + "{" + r.column + "}" + r.after }

// whole is a regular expression that takes every text as one group, which may have a name.
var whole = regexp.MustCompile(`^\((?:\?<([a-zA-Z][a-zA-Z0-9]*)>)?\.[*+]\)$`)

// topic reads how the event router makes the topic.
func (m *importer) topic() {
	r := route{column: defaultRoute}
	if o, ok := m.takeOf(m.router, "route.by.field"); ok {
		r.column = o.Value
		r.from = append(r.from, o)
	}
	regex, replacement := defaultRegex, defaultReplacement
	if o, ok := m.takeOf(m.router, "route.topic.regex"); ok {
		regex = o.Text
		r.from = append(r.from, o)
	}
	if o, ok := m.takeOf(m.router, "route.topic.replacement"); ok {
		replacement = o.Text
		r.from = append(r.from, o)
	}
	if m.src.Server { // where ${ is escaped, since it is a reference otherwise
		replacement = strings.NewReplacer(`\${`, "${", `$${`, "${").Replace(replacement)
	}
	before, after, ok := aroundGroup(regex, replacement)
	if ok && topicLiteral.MatchString(before+after) {
		r.before, r.after = before, after
	} else {
		r.regex, r.replacement = regex, replacement
	}
	m.route = r
}

// topicLiteral is a text that a template of walpost holds as it is.
var topicLiteral = regexp.MustCompile(`^[^{}$]*$`)

// aroundGroup returns what a replacement puts before and after the one group of an expression that takes every text.
func aroundGroup(regex, replacement string) (before, after string, ok bool) {
	found := whole.FindStringSubmatch(regex)
	if found == nil {
		return "", "", false
	}
	for _, group := range []string{"${" + found[1] + "}", "$1", "$0"} {
		if before, after, ok = strings.Cut(replacement, group); ok && group != "${}" {
			next := strings.IndexAny(after, "0123456789") == 0 && group != "${"+found[1]+"}"
			before, after = unescapeJava(before), unescapeJava(after)
			return before, after, !next && !strings.Contains(before+after, "$")
		}
	}
	return "", "", false
}

// unescapeJava drops the backslash of a replacement before the character that is meant.
func unescapeJava(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// regexRouter is Kafka Connect's transform behind the event router, over the topic that the router has made.
func (m *importer) regexRouter(t transform, whole option) {
	regex, hasRegex := m.takeOf(t, "regex")
	replacement, hasReplacement := m.takeOf(t, "replacement")
	r := &m.route
	switch {
	case !hasRegex || !hasReplacement:
		m.lost(whole, "RegexRouter without regex or replacement: Kafka Connect would refuse it")
	case r.regex != "":
		m.lost(whole, "RegexRouter after a regular expression of the event router: outbox.topic_regex is one expression; join the two")
	default:
		if before, after, ok := r.inner(regex.Text); ok {
			if left, right, ok := aroundGroup("(.*)", replacement.Text); ok && topicLiteral.MatchString(left+right) {
				r.before, r.after = left+before, after+right
				r.from = append(r.from, whole)
				return
			}
		}
		r.regex, r.replacement = regex.Text, replacement.Text
		r.from = append(r.from, whole)
	}
}

// inner returns what the group of `literal(.*)literal` takes of the template, around the column.
func (r route) inner(regex string) (before, after string, ok bool) {
	found := aroundAll.FindStringSubmatch(regex)
	if found == nil {
		return "", "", false
	}
	left, leftOK := takeLiteral(found[1], r.before)
	right, rightOK := takeLiteral(reverseAtoms(found[2]), reverse(r.after))
	return left, reverse(right), leftOK && rightOK
}

// aroundAll is a literal, a group that takes everything, and a literal. A dot in a literal may be escaped.
var aroundAll = regexp.MustCompile(`^((?:[a-zA-Z0-9_.-]|\\[.-])*)\(\.[*+]\)((?:[a-zA-Z0-9_.-]|\\[.-])*)$`)

// takeLiteral takes the literal from the beginning of a text, and returns what is left.
func takeLiteral(literal, text string) (rest string, ok bool) {
	for i := 0; i < len(literal); i++ {
		anything := literal[i] == '.'
		if literal[i] == '\\' {
			i++
		}
		if text == "" || !anything && text[0] != literal[i] {
			return "", false
		}
		text = text[1:]
	}
	return text, true
}

func reverse(text string) string {
	bytes := []byte(text)
	for i, j := 0, len(bytes)-1; i < j; i, j = i+1, j-1 {
		bytes[i], bytes[j] = bytes[j], bytes[i]
	}
	return string(bytes)
}

// reverseAtoms reverses a literal, and keeps each backslash before its character.
func reverseAtoms(literal string) string {
	var out string
	for i := 0; i < len(literal); i++ {
		atom := literal[i : i+1]
		if literal[i] == '\\' && i+1 < len(literal) {
			atom = literal[i : i+2]
			i++
		}
		out = atom + out
	}
	return out
}

// writeTopic writes the template, and the expression over it.
func (m *importer) writeTopic() {
	r := m.route
	if template := r.template(); template != "outbox.event.{aggregatetype}" || r.regex != "" || len(r.from) > 0 {
		m.doc.set("outbox.topic", textNode(escape(template)), r.from...)
	}
	if r.regex != "" {
		m.doc.set("outbox.topic_regex", textNode(r.regex))
		m.doc.set("outbox.topic_replacement", textNode(r.replacement))
	}
}
