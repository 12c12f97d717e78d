package config

import "go.yaml.in/yaml/v4"

// Header is a record header: the text of a column, or a constant. In YAML the headers are
// a mapping of header names, whose order is kept.
type Header struct {
	Name     string
	Column   string // "": Constant
	Constant string
}

// keyConstant is the key of a header's constant.
const keyConstant = "constant"

// headers is a mapping of header names to columns and constants whose order is kept.
type headers struct {
	at func(*Config) *[]Header
}

func (h headers) read(r *reader, path string, n node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.at, path, "want header names with their columns like {eventType: type}, not %s; {} sends the id alone", n.words())
		return
	}
	found := []Header{}
	for _, e := range r.entries(path, n) {
		if e.name == "" {
			r.fault(e.at, path, "want a header name, not an empty one")
			continue
		}
		below := join(path, e.name)
		r.places[below] = e.at
		read := h.column
		if e.value.Kind == yaml.MappingNode {
			read = h.section
		}
		if header, ok := read(r, below, e.value); ok {
			header.Name = e.name
			found = append(found, header)
		}
	}
	*h.at(r.cfg) = found
}

// column reads the column of a header.
func (h headers) column(r *reader, path string, n node) (Header, bool) {
	column, ok := r.scalar(path, n, "the name of a column, or {constant: TEXT}", textTags()...)
	if !ok {
		return Header{}, false
	}
	if err := checkColumn(column); err != nil {
		r.wrong(path, n, err)
		return Header{}, false
	}
	return Header{Column: column}, true
}

// section reads a header that is not the text of a column.
func (h headers) section(r *reader, path string, n node) (Header, bool) {
	entries := r.entries(path, n)
	if len(entries) != 1 || entries[0].name != keyConstant {
		r.fault(n.at, path, "want the name of a column, or {constant: TEXT}")
		return Header{}, false
	}
	text, ok := r.scalar(join(path, keyConstant), entries[0].value, "the text of the header", textTags()...)
	return Header{Constant: text}, ok
}

func (h headers) schema() schema {
	return schema{
		"type": "object", "propertyNames": schema{"minLength": 1},
		"additionalProperties": schema{"anyOf": []schema{
			{"type": "string", "minLength": 1},
			sectionOf(keyConstant, schema{"type": "string"}),
		}},
	}
}

// sectionOf is a section with one key.
func sectionOf(name string, value schema) schema {
	return schema{
		"type": "object", "properties": schema{name: value}, "required": []string{name}, "additionalProperties": false,
	}
}

func (h headers) print(c *Config) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, header := range *h.at(c) {
		n.Content = append(n.Content, nameNode(header.Name), header.node())
	}
	return n
}

// node is the header as YAML.
func (h Header) node() *yaml.Node {
	if h.Column == "" {
		return flow(keyConstant, h.Constant)
	}
	return scalarNode("!!str", h.Column)
}

// flow is a section {name: text}.
func flow(name, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{nameNode(name), scalarNode("!!str", text)}}
}

// nameNode is the name of an entry: names have no references.
func nameNode(name string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
}

func (h headers) words() string { return "header names, and columns or constants" }
