package config

import (
	"go.yaml.in/yaml/v4"
)

// Filter is a column and the texts of which it has one in rows that are events.
type Filter struct {
	Column string
	Texts  []string
}

// filter is a mapping of columns to lists of texts.
type filter struct {
	at func(*Config) *[]Filter
}

// texts are the texts of one column.
func (f filter) texts(at *[]string) list {
	return list{
		at: func(*Config) *[]string { return at }, min: 1, kind: "texts",
		item: textRules{pattern: textPattern, want: "a text that a column can have"},
	}
}

func (f filter) read(r *reader, path string, n node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.at, path, "want columns with the texts that they have in events like {kind: [external]}, not %s", n.words())
		return
	}
	found := []Filter{}
	for _, e := range r.entries(path, n) {
		if err := checkColumn(e.name); err != nil {
			r.fault(e.at, path, "%v, not %q", err, e.name)
			continue
		}
		c := Filter{Column: e.name}
		f.texts(&c.Texts).read(r, join(path, e.name), e.value)
		found = append(found, c)
	}
	*f.at(r.cfg) = found
}

func (f filter) schema() schema {
	return schema{
		"type": "object", "propertyNames": schema{"minLength": 1},
		"additionalProperties": schema{"type": "array", "items": schema{"type": "string"}, "minItems": 1, "uniqueItems": true},
	}
}

func (f filter) print(c *Config) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, one := range *f.at(c) {
		n.Content = append(n.Content, nameNode(one.Column), f.texts(&one.Texts).print(c))
	}
	return n
}

func (f filter) words() string { return "columns, and lists of texts" }

// filterKey is which rows are events.
func filterKey() key {
	return key{
		name: "filter", fallback: "{}",
		about: "Which rows are events: those of which each of these columns, of type text or varchar, has one of its texts, as in " +
			"`{kind: [external]}`. Texts are compared byte by byte; NULL is none of them. Other rows are not published, nor replayed, " +
			"nor pruned, and `audit` does not miss them. {}: every row.",
		value: filter{at: func(c *Config) *[]Filter { return &c.Outbox.Filter }},
	}
}

// filter wants a table whose rows can be told apart, and that nothing else is deleted with
// events.
func (r *reader) filter() {
	const key, partitions = "outbox.filter", "outbox.prune.drop_partitions"
	o := &r.cfg.Outbox
	switch {
	case len(o.Filter) == 0 || !r.sound(key, "outbox.source", partitions):
	case o.Messages():
		r.fault(r.at(key), key, "outbox.source: message has no rows: write what is no event with another prefix, and leave this out")
	case o.Prune != nil && o.Prune.Partitions:
		r.fault(r.at(partitions), partitions,
			"with a partition go its rows that %s leaves out, which are nobody's to delete here: want false", key)
	}
}
