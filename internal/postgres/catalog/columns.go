package catalog

// OutboxColumns says which column plays which part, as the `outbox` section of
// the configuration does. "" means: no column.
type OutboxColumns struct {
	ID        string
	Topic     []string // columns of the topic template
	Key       string
	Value     string
	Headers   []string
	Timestamp string
	Partition string
	More      []RequiredColumn // others
}

// RequiredColumn is a column that must be there, and the key of the configuration that
// asks for it.
type RequiredColumn struct {
	Column string
	Part   string // key under `outbox`: id, topic, key, value, timestamp, partition, headers
	Type   string // its type in a table that walpost makes; "": as its part has it
}

// List returns each column once, in the order of Debezium's outbox table.
func (c OutboxColumns) List() []RequiredColumn {
	all := []RequiredColumn{{Column: c.ID, Part: "id"}}
	for _, name := range c.Topic {
		all = append(all, RequiredColumn{Column: name, Part: "topic"})
	}
	all = append(all, RequiredColumn{Column: c.Key, Part: "key"})
	for _, name := range c.Headers {
		all = append(all, RequiredColumn{Column: name, Part: "headers"})
	}
	all = append(all, c.More...)
	all = append(all, RequiredColumn{Column: c.Value, Part: "value"}, RequiredColumn{Column: c.Timestamp, Part: "timestamp"},
		RequiredColumn{Column: c.Partition, Part: "partition"})
	seen := map[string]bool{"": true}
	var list []RequiredColumn
	for _, n := range all {
		if !seen[n.Column] {
			seen[n.Column] = true
			list = append(list, n)
		}
	}
	return list
}

// Names returns the columns alone.
func (c OutboxColumns) Names() []string {
	names := []string{}
	for _, n := range c.List() {
		names = append(names, n.Column)
	}
	return names
}
