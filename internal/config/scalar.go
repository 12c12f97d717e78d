package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/topicname"
)

// scalar is a value that is written as one YAML scalar.
type scalar[T any] struct {
	at    func(*Config) *T
	want  string                  // what a value of the wrong type should be
	tags  []string                // of the scalars it takes, beside references
	parse func(string) (T, error) // of the expanded text; the error says what is wanted
	show  func(T) string          // the text that parse reads back
	tag   string                  // of what show gives
	form  schema                  // of a value without references
	kind  string                  // for the page
	raw   bool                    // ${ has no meaning of walpost's
}

func (s scalar[T]) read(r *reader, path string, n node) {
	read := r.scalar
	if s.raw {
		read = r.plain
	}
	text, ok := read(path, n, s.want, s.tags...)
	if !ok {
		return
	}
	v, err := s.parse(text)
	if err != nil {
		r.wrong(path, n, err)
		return
	}
	*s.at(r.cfg) = v
}

func (s scalar[T]) schema() schema { return orReference(s.form) }

func (s scalar[T]) print(c *Config) *yaml.Node {
	text := s.show(*s.at(c))
	if s.raw {
		return nameNode(text)
	}
	return scalarNode(s.tag, text)
}

func (s scalar[T]) words() string { return s.kind }

func scalarNode(tag, text string) *yaml.Node {
	if tag == "!!str" {
		text = escape(text)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// textRules are what a text must keep to; an empty rule asks nothing.
type textRules struct {
	enum    []string
	pattern *regexp.Regexp
	want    string // what the pattern means, in words
	check   func(string) error
	kind    string
}

func text(at func(*Config) *string, rules textRules) scalar[string] {
	s := scalar[string]{
		at: at, want: "text", tags: textTags(), tag: "!!str", kind: "text",
		parse: rules.parse, show: func(t string) string { return t },
		form: schema{"type": "string"},
	}
	if rules.kind != "" {
		s.kind = rules.kind
	}
	if rules.pattern != nil {
		s.form["pattern"] = rules.pattern.String()
	}
	if rules.enum != nil {
		s.want, s.form = oneOf(rules.enum), schema{"enum": rules.enum}
		s.kind = "`" + strings.Join(rules.enum, "`, `") + "`"
	}
	return s
}

// verbatim is a text without references, for a syntax that has ${ itself.
func verbatim(at func(*Config) *string) scalar[string] {
	s := text(at, textRules{})
	s.raw = true
	return s
}

func (t textRules) parse(text string) (string, error) {
	switch {
	case t.enum != nil && !slices.Contains(t.enum, text):
		return "", fmt.Errorf("want %s", oneOf(t.enum))
	case t.pattern != nil && !t.pattern.MatchString(text):
		return "", fmt.Errorf("want %s", t.want)
	case t.check != nil:
		return text, t.check(text)
	}
	return text, nil
}

func oneOf(allowed []string) string {
	if len(allowed) == 1 {
		return allowed[0]
	}
	last := len(allowed) - 1
	return strings.Join(allowed[:last], ", ") + " or " + allowed[last]
}

func boolean(at func(*Config) *bool) scalar[bool] {
	const want = "true or false"
	return scalar[bool]{
		at: at, want: want, tags: []string{"!!bool"}, tag: "!!bool", kind: want,
		parse: func(text string) (bool, error) {
			switch strings.ToLower(text) {
			case "true":
				return true, nil
			case "false":
				return false, nil
			default:
				return false, errors.New("want " + want)
			}
		},
		show: strconv.FormatBool, form: schema{"type": "boolean"},
	}
}

// count is a number of partitions or replicas: from 1, or -1 for the broker's default.
func count[T int16 | int32](at func(*Config) *T, maximum T) scalar[T] {
	want := fmt.Sprintf("a whole number from 1 to %d, or -1 for the broker's default", maximum)
	return scalar[T]{
		at: at, want: want, tags: []string{"!!int"}, tag: "!!int", kind: "whole number",
		parse: func(text string) (T, error) {
			v, err := strconv.ParseInt(text, 10, 64)
			if err != nil || v < -1 || v == 0 || v > int64(maximum) {
				return 0, errors.New("want " + want)
			}
			return T(v), nil
		},
		show: func(v T) string { return strconv.FormatInt(int64(v), 10) },
		form: schema{"type": "integer", "minimum": -1, "maximum": maximum, "not": schema{"const": 0}},
	}
}

// whole is a whole number in a range.
func whole(at func(*Config) *int, minimum, maximum int) scalar[int] {
	want := fmt.Sprintf("a whole number from %d to %d", minimum, maximum)
	return scalar[int]{
		at: at, want: want, tags: []string{"!!int"}, tag: "!!int", kind: "whole number",
		parse: func(text string) (int, error) {
			v, err := strconv.Atoi(text)
			if err != nil || v < minimum || v > maximum {
				return 0, errors.New("want " + want)
			}
			return v, nil
		},
		show: strconv.Itoa,
		form: schema{"type": "integer", "minimum": minimum, "maximum": maximum},
	}
}

// durationPattern is Go's syntax without signs and without numbers that lack a unit.
var durationPattern = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`)

func duration(at func(*Config) *time.Duration, zero bool) scalar[time.Duration] {
	want, form := "a duration above 0 like 60s or 1m30s", schema{"type": "string", "pattern": durationPattern.String()}
	if zero {
		want = "a duration like 5ms, or 0s"
	} else {
		form["allOf"] = []schema{{"pattern": "[1-9]"}}
	}
	return scalar[time.Duration]{
		// Numbers are let through to be told that they need a unit.
		at: at, want: want, tags: []string{"!!str", "!!int", "!!float"}, tag: "!!str", kind: "duration",
		parse: func(text string) (time.Duration, error) {
			if _, err := strconv.ParseFloat(text, 64); err == nil {
				return 0, fmt.Errorf("want %s: a duration needs its unit", want)
			}
			v, err := time.ParseDuration(text)
			if err != nil || !durationPattern.MatchString(text) || v == 0 && !zero {
				return 0, errors.New("want " + want)
			}
			return v, nil
		},
		show: showDuration, form: form,
	}
}

// showDuration writes 1m where Go writes 1m0s.
func showDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func size(at func(*Config) *Size, minimum, maximum Size) scalar[Size] {
	return scalar[Size]{
		at: at, want: "a size like 16MiB", tags: []string{"!!str", "!!int"}, tag: "!!str", kind: "size",
		parse: func(text string) (Size, error) {
			v, err := ParseSize(text)
			switch {
			case err != nil:
				return 0, err
			case v < minimum:
				return 0, fmt.Errorf("want at least %s", minimum)
			case v > maximum:
				return 0, fmt.Errorf("want at most %s", maximum)
			}
			return v, nil
		},
		show: Size.String,
		form: schema{"anyOf": []schema{
			{"type": "integer", "minimum": int64(minimum), "maximum": int64(maximum)},
			{"type": "string", "pattern": sizePattern.String()},
		}},
	}
}

// template is a template of topic names. The schema has the pattern, check judges the rest.
func template(at func(*Config) *topicname.Template, pattern string, check func(topicname.Template) error) scalar[topicname.Template] {
	return scalar[topicname.Template]{
		at: at, want: "text", tags: textTags(), tag: "!!str", kind: "template",
		parse: func(text string) (topicname.Template, error) {
			t, err := topicname.Parse(text)
			if err != nil {
				return nil, err
			}
			return t, check(t)
		},
		show: topicname.Template.String, form: schema{"type": "string", "pattern": pattern},
	}
}

func table(at func(*Config) *pgname.Table) scalar[pgname.Table] {
	return scalar[pgname.Table]{
		at: at, want: "text", tags: textTags(), tag: "!!str", kind: "table in SQL syntax",
		parse: parseTable, show: pgname.Table.String, form: schema{"type": "string", "minLength": 1},
	}
}

func parseTable(text string) (pgname.Table, error) {
	t, err := pgname.ParseTable(text)
	if errors.Is(err, pgname.ErrDatabase) {
		return t, errors.New("want table or schema.table: the database is part of postgres.url")
	}
	return t, err
}
