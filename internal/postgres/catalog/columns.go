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
	Filter    Filter           // of rows that are events

	Envelope      []string // of outbox.format
	SchemaVersion string   // of outbox.format
	IgnoreMissing bool     // columns of headers, envelope and partition may be missing
}

// RequiredColumn is a column that must be there, and the key of the configuration that
// asks for it.
type RequiredColumn struct {
	Column string
	Part   string // key under `outbox`: id, topic, key, value, timestamp, partition, headers, filter, format.…
	Type   string // its type in a table that walpost makes; "": as its part has it
	Needed bool   // false: it may be missing
}

// List returns each column once, in the order of Debezium's outbox table.
func (c OutboxColumns) List() []RequiredColumn {
	all := []RequiredColumn{{Column: c.ID, Part: "id", Needed: true}}
	for _, name := range c.Topic {
		all = append(all, RequiredColumn{Column: name, Part: "topic", Needed: true})
	}
	all = append(all, RequiredColumn{Column: c.Key, Part: "key", Needed: true})
	for _, name := range c.Headers {
		all = append(all, RequiredColumn{Column: name, Part: "headers", Needed: !c.IgnoreMissing})
	}
	all = append(all, c.More...)
	for _, f := range c.Filter {
		all = append(all, RequiredColumn{Column: f.Column, Part: "filter", Type: "text NOT NULL", Needed: true})
	}
	for _, name := range c.Envelope {
		all = append(all, RequiredColumn{Column: name, Part: "format.envelope", Needed: !c.IgnoreMissing})
	}
	return once(append(all,
		RequiredColumn{Column: c.Value, Part: "value", Needed: true},
		RequiredColumn{Column: c.SchemaVersion, Part: "format.schema_version", Needed: true},
		RequiredColumn{Column: c.Timestamp, Part: "timestamp", Needed: true},
		RequiredColumn{Column: c.Partition, Part: "partition", Needed: !c.IgnoreMissing}))
}

// once returns each column once, needed where any part needs it.
func once(all []RequiredColumn) []RequiredColumn {
	seen := map[string]int{}
	var list []RequiredColumn
	for _, n := range all {
		i, known := seen[n.Column]
		switch {
		case n.Column == "":
		case known:
			list[i].Needed = list[i].Needed || n.Needed
		default:
			seen[n.Column] = len(list)
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
