package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/pgname"
)

// list is a list of texts. An item may be a reference.
type list struct {
	at   func(*Config) *[]string
	item textRules
	min  int
	kind string
	many bool // a reference may give several items, with commas between them
}

func (l list) read(r *reader, path string, n node) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n.at, path, "want a list like [a, b], not %s", n.words())
		return
	}
	if len(n.Content) < l.min {
		r.fault(n.at, path, "want at least one item")
		return
	}
	items := make([]string, 0, len(n.Content))
	for _, content := range n.Content {
		item := follow(content)
		text, ok := r.scalar(path, item, "text", textTags()...)
		if !ok {
			continue
		}
		for _, part := range l.parts(item, text) {
			part, err := l.item.parse(part)
			if err == nil && slices.Contains(items, part) {
				err = errors.New("want each item once")
			}
			if err != nil {
				r.wrong(path, item, err)
				continue
			}
			items = append(items, part)
		}
	}
	*l.at(r.cfg) = items
}

// parts are the items that one item of the file stands for.
func (l list) parts(item node, text string) []string {
	if !l.many || !hasReference(item.Value) {
		return []string{text}
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func (l list) schema() schema {
	item := schema{"type": "string", "minLength": 1}
	if l.item.pattern != nil {
		item = orReference(schema{"type": "string", "pattern": l.item.pattern.String()})
	}
	s := schema{"type": "array", "items": item, "uniqueItems": true}
	if l.min > 0 {
		s["minItems"] = l.min
	}
	return s
}

func (l list) print(c *Config) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, item := range *l.at(c) {
		n.Content = append(n.Content, scalarNode("!!str", item))
	}
	return n
}

func (l list) words() string { return "list of " + l.kind }

// settings is a mapping of names to scalars, whose text is kept as it stands:
// Kafka takes the settings of topics as text.
type settings struct {
	at func(*Config) *map[string]string
}

func (s settings) read(r *reader, path string, n node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.at, path, "want settings like {retention.ms: 604800000}, not %s", n.words())
		return
	}
	values := make(map[string]string)
	for _, e := range r.entries(path, n) {
		below := join(path, e.name)
		if e.name == "" {
			r.fault(e.at, path, "want the name of a topic setting, not an empty one")
			continue
		}
		text, ok := r.scalar(below, e.value, "text or a number", append(textTags(), "!!int", "!!float", "!!bool")...)
		if ok {
			values[e.name] = text
		}
	}
	*s.at(r.cfg) = values
}

func (s settings) schema() schema {
	return schema{
		"type": "object", "propertyNames": schema{"minLength": 1},
		"additionalProperties": schema{"type": []string{"string", "number", "boolean"}},
	}
}

func (s settings) print(c *Config) *yaml.Node {
	values := *s.at(c)
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		n.Content = append(n.Content, scalarNode("!!str", name), scalarNode("!!str", values[name]))
	}
	return n
}

func (s settings) words() string { return "names and values" }

// checkColumn checks the name of a column, which is written as Postgres shows it: without
// quotes, in its own case.
func checkColumn(name string) error {
	if name == "" {
		return errors.New("want the name of a column")
	}
	return checkOptionalColumn(name)
}

func checkOptionalColumn(name string) error {
	if len(name) > pgname.MaxLength {
		return fmt.Errorf("want a column name of at most %d bytes", pgname.MaxLength)
	}
	return nil
}
