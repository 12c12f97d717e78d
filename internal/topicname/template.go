package topicname

import (
	"errors"
	"slices"
	"strings"
)

// Template is a text with the names of columns in braces, such as
// outbox.event.{aggregatetype}.
type Template []Part

// Part is a literal text or the name of a column. One of the two is set.
type Part struct {
	Literal string
	Column  string
}

// Parse reads a template. Braces come in pairs, are not nested and hold a name. A literal
// brace has no syntax, since no topic may have one. Errors go on after "want …, not" as
// well as after "has".
func Parse(text string) (Template, error) {
	var t Template
	for text != "" {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			return append(t, Part{Literal: text}), nil
		}
		if text[open] == '}' {
			return nil, errors.New("a } without its {")
		}
		if open > 0 {
			t = append(t, Part{Literal: text[:open]})
		}
		text = text[open+1:]
		end := strings.IndexAny(text, "{}")
		switch {
		case end < 0:
			return nil, errors.New("a { without its }")
		case text[end] == '{':
			return nil, errors.New("a { inside of {…}")
		case end == 0:
			return nil, errors.New("{} without a name")
		}
		t = append(t, Part{Column: text[:end]})
		text = text[end+1:]
	}
	return t, nil
}

// IsZero reports whether the template is empty.
func (t Template) IsZero() bool { return len(t) == 0 }

// Valid reports whether each part is a literal or a column.
func (t Template) Valid() bool {
	return !slices.ContainsFunc(t, func(p Part) bool { return (p.Literal == "") == (p.Column == "") })
}

// Columns returns the columns in order, each once.
func (t Template) Columns() []string {
	var columns []string
	for _, p := range t {
		if p.Column != "" && !slices.Contains(columns, p.Column) {
			columns = append(columns, p.Column)
		}
	}
	return columns
}

// String returns the template as it is written in the configuration.
func (t Template) String() string {
	return t.render(func(column string) string { return "{" + column + "}" })
}

// Render returns the name that the template makes of a row. Its values are those of
// Columns, in their order.
func (t Template) Render(values ...string) string {
	columns := t.Columns()
	return t.render(func(column string) string { return values[slices.Index(columns, column)] })
}

// Glob returns a glob that covers every name that the template makes.
func (t Template) Glob() string {
	return t.render(func(string) string { return "*" })
}

func (t Template) render(value func(column string) string) string {
	var name strings.Builder
	for _, p := range t {
		if p.Column == "" {
			name.WriteString(p.Literal)
		} else {
			name.WriteString(value(p.Column))
		}
	}
	return name.String()
}
