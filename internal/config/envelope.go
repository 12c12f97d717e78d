package config

import (
	"errors"
	"slices"

	"go.yaml.in/yaml/v4"
)

// payloadMember is the member of an envelope that is there anyway.
const payloadMember = "payload"

// envelope is a list of columns, each by itself or as {column: alias}.
type envelope struct {
	at func(*Config) *[]Envelope
}

func (v envelope) read(r *reader, path string, n node) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n.at, path, "want a list like [tenant, {type: eventType}], not %s", n.words())
		return
	}
	found := []Envelope{}
	for _, content := range n.Content {
		item := follow(content)
		for _, e := range v.item(r, path, item) {
			if err := checkMember(found, e); err != nil {
				r.fault(item.at, path, "%v", err)
				continue
			}
			found = append(found, e)
		}
	}
	*v.at(r.cfg) = found
}

// item reads one item of the list: at most one member.
func (v envelope) item(r *reader, path string, item node) []Envelope {
	if item.Kind != yaml.MappingNode {
		column, ok := r.scalar(path, item, "the name of a column, or {column: alias}", textTags()...)
		if !ok {
			return nil
		}
		return []Envelope{{Name: column, Column: column}}
	}
	entries := r.entries(path, item)
	if len(entries) != 1 {
		r.fault(item.at, path, "want one column and its alias like {type: eventType}, and an item for each")
		return nil
	}
	alias, ok := r.scalar(join(path, entries[0].name), entries[0].value, "the alias of the column", textTags()...)
	if !ok {
		return nil
	}
	return []Envelope{{Name: alias, Column: entries[0].name}}
}

func checkMember(others []Envelope, e Envelope) error {
	if err := checkColumn(e.Column); err != nil {
		return err
	}
	switch {
	case e.Name == "":
		return errors.New("want an alias, not an empty text")
	case e.Name == payloadMember:
		return errors.New("the payload itself has the name payload: want an alias like {payload: other}")
	case slices.ContainsFunc(others, func(o Envelope) bool { return o.Name == e.Name }):
		return errors.New("want each name once: give one of them an alias like {type: eventType}")
	}
	return nil
}

func (v envelope) schema() schema {
	name := schema{"type": "string", "minLength": 1}
	return schema{"type": "array", "items": schema{"anyOf": []schema{
		name, {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": name},
	}}}
}

func (v envelope) print(c *Config) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, e := range *v.at(c) {
		if e.Name == e.Column {
			n.Content = append(n.Content, scalarNode("!!str", e.Column))
			continue
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: e.Column}, scalarNode("!!str", e.Name),
		}})
	}
	return n
}

func (v envelope) words() string { return "list of columns, with aliases" }
