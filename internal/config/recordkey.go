package config

import (
	"errors"

	"go.yaml.in/yaml/v4"
)

// Key says what the key of a record is made from: a column, the texts of several columns as
// a JSON array, or a member of a JSON object. Zero is no key.
type Key struct {
	Column  string
	Columns []string
	JSON    string // column of the object; Member is the name
	Member  string
}

// None reports whether records have no key.
func (k *Key) None() bool { return k.Column == "" && len(k.Columns) == 0 && k.JSON == "" }

// keyMember is what stands beside keyJSON.
const keyMember = "member"

// recordKey is the value of outbox.key.
type recordKey struct {
	at func(*Config) *Key
}

func (k recordKey) column() scalar[string] {
	return text(func(c *Config) *string { return &k.at(c).Column }, textRules{check: checkOptionalColumn})
}

func (k recordKey) columns() list {
	return list{
		at: func(c *Config) *[]string { return &k.at(c).Columns }, item: textRules{check: checkColumn}, min: 1, kind: "columns",
	}
}

func (k recordKey) read(r *reader, path string, n node) {
	switch n.Kind {
	case yaml.SequenceNode:
		k.columns().read(r, path, n)
	case yaml.MappingNode:
		k.section(r, path, n)
	default:
		k.column().read(r, path, n)
	}
}

// section reads {json: COLUMN, member: NAME}.
func (k recordKey) section(r *reader, path string, n node) {
	found := map[string]bool{}
	for _, e := range r.entries(path, n) {
		below := join(path, e.name)
		found[e.name] = true
		switch e.name {
		case keyJSON:
			text(func(c *Config) *string { return &k.at(c).JSON }, textRules{check: checkColumn}).read(r, below, e.value)
		case keyMember:
			text(func(c *Config) *string { return &k.at(c).Member }, textRules{check: checkKeyMember}).read(r, below, e.value)
		}
	}
	if len(found) != 2 || !found[keyJSON] || !found[keyMember] {
		r.fault(n.at, path, "want a column, a list of columns, or {json: COLUMN, member: NAME}")
	}
}

func checkKeyMember(name string) error {
	if name == "" {
		return errors.New("want the name of a member")
	}
	return nil
}

func (k recordKey) schema() schema {
	name := schema{"type": "string", "minLength": 1}
	return schema{"anyOf": []schema{k.column().schema(), k.columns().schema(), {
		"type": "object", "properties": schema{keyJSON: name, keyMember: name}, "required": []string{keyJSON, keyMember},
		"additionalProperties": false,
	}}}
}

func (k recordKey) print(c *Config) *yaml.Node {
	key := k.at(c)
	switch {
	case key.JSON != "":
		n := flow(keyJSON, key.JSON)
		n.Content = append(n.Content, nameNode(keyMember), scalarNode("!!str", key.Member))
		return n
	case len(key.Columns) > 0:
		return k.columns().print(c)
	}
	return k.column().print(c)
}

func (k recordKey) words() string {
	return "column, or a list of columns, or a member of a JSON column"
}
