package connector

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document is the YAML file. Keys stand in the order in which they are set.
type document struct{ root *yaml.Node }

func newDocument() *document { return &document{root: mapping()} }

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

// set sets a key by its path. The comment names the options that it comes from.
func (d *document) set(path string, value *yaml.Node, from ...option) {
	section, name := d.root, path
	for {
		outer, rest, deeper := strings.Cut(name, ".")
		if !deeper {
			break
		}
		section, name = below(section, outer), rest
	}
	var raws []string
	for _, o := range from {
		raws = append(raws, o.Raw)
	}
	key := textNode(name)
	comment := strings.Join(raws, ", ")
	switch {
	case comment == "":
	case value.Kind == yaml.ScalarNode || value.Style == yaml.FlowStyle:
		value.LineComment = comment
	default:
		key.HeadComment = comment
	}
	section.Content = append(section.Content, key, value)
}

// setBelow is set for a name with dots in it.
func (d *document) setBelow(section, name string, value *yaml.Node, from option) {
	node := d.root
	for part := range strings.SplitSeq(section, ".") {
		node = below(node, part)
	}
	value.LineComment = from.Raw
	node.Content = append(node.Content, textNode(name), value)
}

// section opens a section that may stay empty.
func (d *document) section(path string, from ...option) {
	node := mapping()
	node.Style = yaml.FlowStyle // as long as it is empty
	d.set(path, node, from...)
}

// below returns the section of that name, which is added if it is missing.
func below(section *yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(section.Content); i += 2 {
		if section.Content[i].Value == name {
			section.Content[i+1].Style = 0
			return section.Content[i+1]
		}
	}
	node := mapping()
	section.Content = append(section.Content, textNode(name), node)
	return node
}

func (d *document) bytes() ([]byte, error) {
	return yaml.Dump(d.root, yaml.WithV4Defaults(), yaml.WithLineWidth(-1))
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func boolNode(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

func intNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text}
}

// pair is a mapping in one line.
func pair(name, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle, Content: []*yaml.Node{textNode(name), textNode(text)}}
}

// list is a list in one line.
func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle, Content: items}
}
