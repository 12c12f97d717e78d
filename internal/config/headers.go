package config

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// Header is a record header: the text of a column, or a constant; or with JSON a header for
// each member of the object in a column. In YAML the headers are a mapping of header names,
// whose order is kept.
type Header struct {
	Name     string // allMembers with JSON
	JSON     bool
	Column   string // "": Constant
	Constant string
}

// What stands in the place of a header's column.
const (
	keyConstant = "constant"
	keyJSON     = "json" // of allMembers
)

// keyOutboxHeaders is the path of the headers.
const keyOutboxHeaders = "outbox.headers"

// allMembers is the name under which the file has the headers of a JSON column.
const allMembers = "*"

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
	want := "want the name of a column, or {constant: TEXT}"
	if path == join(keyOutboxHeaders, allMembers) {
		want += ", or {json: COLUMN} for the members of a JSON object"
	}
	entries := r.entries(path, n)
	if len(entries) != 1 || entries[0].name != keyConstant && entries[0].name != keyJSON {
		r.fault(n.at, path, "%s", want)
		return Header{}, false
	}
	e := entries[0]
	below := join(path, e.name)
	switch {
	case e.name == keyConstant:
		text, ok := r.scalar(below, e.value, "the text of the header", textTags()...)
		return Header{Constant: text}, ok
	case path != join(keyOutboxHeaders, allMembers):
		r.fault(e.at, path, `{json: COLUMN} stands under the name "*": each member of the object is a header of its own name`)
		return Header{}, false
	}
	header, ok := h.column(r, below, e.value)
	header.JSON = true
	return header, ok
}

func (h headers) schema() schema {
	forms := []schema{{"type": "string", "minLength": 1}, sectionOf(keyConstant, schema{"type": "string"})}
	json := sectionOf(keyJSON, schema{"type": "string", "minLength": 1})
	return schema{
		"type": "object", "propertyNames": schema{"minLength": 1},
		"patternProperties":    schema{`^\*$`: schema{"anyOf": append(slices.Clip(forms), json)}},
		"additionalProperties": schema{"anyOf": forms},
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
	switch {
	case h.JSON:
		return flow(keyJSON, h.Column)
	case h.Column == "":
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
