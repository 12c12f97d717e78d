package config

import (
	"errors"
	"slices"
	"strings"
)

// Template is a text with the names of columns in braces, as in
// outbox.event.{aggregatetype}.
type Template struct {
	parts []TemplatePart
}

// TemplatePart is a literal text or the name of a column; the other is empty.
type TemplatePart struct {
	Literal string
	Column  string
}

// ParseTemplate reads a template. Braces come in pairs, are not nested and hold
// a name; a literal brace has no syntax, since no topic may have one.
func ParseTemplate(text string) (Template, error) {
	var t Template
	for text != "" {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			t.parts = append(t.parts, TemplatePart{Literal: text})
			break
		}
		if text[open] == '}' {
			return Template{}, errors.New("a } without its {")
		}
		if open > 0 {
			t.parts = append(t.parts, TemplatePart{Literal: text[:open]})
		}
		text = text[open+1:]
		end := strings.IndexAny(text, "{}")
		switch {
		case end < 0:
			return Template{}, errors.New("a { without its }")
		case text[end] == '{':
			return Template{}, errors.New("a { inside of {…}")
		case end == 0:
			return Template{}, errors.New("{} without a name")
		}
		t.parts = append(t.parts, TemplatePart{Column: text[:end]})
		text = text[end+1:]
	}
	return t, nil
}

// Parts are the parts in order.
func (t Template) Parts() []TemplatePart { return slices.Clone(t.parts) }

// Columns are the columns in order, each once.
func (t Template) Columns() []string {
	var columns []string
	for _, p := range t.parts {
		if p.Column != "" && !slices.Contains(columns, p.Column) {
			columns = append(columns, p.Column)
		}
	}
	return columns
}

// IsZero says whether the template is empty.
func (t Template) IsZero() bool { return len(t.parts) == 0 }

// String is the template as it is written in the file.
func (t Template) String() string {
	var out strings.Builder
	for _, p := range t.parts {
		if p.Column != "" {
			out.WriteString("{" + p.Column + "}")
		} else {
			out.WriteString(p.Literal)
		}
	}
	return out.String()
}
