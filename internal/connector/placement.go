package connector

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// header is one of the record.
type header struct {
	name, column, constant string
	from                   option
}

// member is one of the envelope.
type member struct{ name, column string }

// placements are what table.fields.additional.placement says.
type placements struct {
	from      option
	headers   []header
	envelope  []member
	partition string
}

// readPlacements reads `column:placement[:alias], …`.
func (m *importer) readPlacements() {
	o, ok := m.takeOf(m.router, "table.fields.additional.placement")
	if !ok {
		return
	}
	m.placements.from = o
	for _, item := range splitList(o.Value) {
		parts := strings.Split(item, ":")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		if len(parts) < 2 || len(parts) > 3 || parts[0] == "" {
			m.lost(o, "%s is no column:placement[:alias]; Debezium refuses it", item)
			continue
		}
		alias := parts[len(parts)-1]
		if len(parts) == 2 {
			alias = parts[0]
		}
		m.place(o, parts[0], strings.ToLower(parts[1]), alias)
	}
}

// place notes one placement.
func (m *importer) place(o option, column, where, alias string) {
	p := &m.placements
	switch where {
	case "header":
		if slices.ContainsFunc(p.headers, func(h header) bool { return h.name == alias }) {
			m.lost(o, "a second header %s, of the column %s: walpost writes each name once", alias, column)
			return
		}
		p.headers = append(p.headers, header{name: alias, column: column, from: o})
	case "envelope":
		p.envelope = append(p.envelope, member{alias, column})
	case "partition":
		p.partition = column
	default:
		m.lost(o, "%s is no placement: Debezium fails at the first row", where)
	}
}

// insertHeader is Kafka Connect's transform for a header with a constant value.
func (m *importer) insertHeader(t transform, whole option) {
	name, hasName := m.takeOf(t, "header")
	value, hasValue := m.takeOf(t, "value.literal")
	taken := slices.ContainsFunc(m.placements.headers, func(h header) bool { return h.name == name.Value })
	switch {
	case !hasName || !hasValue:
		m.lost(whole, "InsertHeader without header or value.literal: Kafka Connect would refuse it")
	case taken:
		m.lost(whole, "a second header %s: walpost writes each name once", name.Value)
	default:
		m.placements.headers = append(m.placements.headers, header{name: name.Value, constant: m.text(value), from: whole})
	}
}

// dropHeaders takes headers away again.
func (m *importer) dropHeaders(t transform, whole option) {
	list, _ := m.takeOf(t, "headers")
	for _, name := range splitList(list.Value) {
		before := len(m.placements.headers)
		m.placements.headers = slices.DeleteFunc(m.placements.headers, func(h header) bool { return h.name == name })
		switch {
		case strings.HasPrefix(name, "__debezium"):
			m.needless(whole, "DropHeaders: walpost writes no header %s", name)
		case name == "id":
			m.lost(whole, "DropHeaders: the header id is always written")
		case len(m.placements.headers) == before:
			m.needless(whole, "DropHeaders: there is no header %s", name)
		default:
			m.needless(whole, "DropHeaders: the placement of the header %s is left out", name)
		}
	}
}

// writeHeaders writes outbox.headers, also when there are none: walpost's default has one.
func (m *importer) writeHeaders() {
	node := mapping()
	var from []option
	for _, h := range m.placements.headers {
		value := headerNode(h.column)
		if h.column == "" {
			value = pair("constant", h.constant)
		}
		node.Content = append(node.Content, textNode(h.name), value)
		if !slices.ContainsFunc(from, func(o option) bool { return o.Raw == h.from.Raw }) {
			from = append(from, h.from)
		}
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle
		from = []option{{Raw: "no placement as header"}}
		if m.placements.from.Raw != "" {
			from = append(from, m.placements.from)
		}
	}
	m.doc.set("outbox.headers", node, from...)
	m.missingColumns()
}

// missingColumns says what a column means that the table lacks.
func (m *importer) missingColumns() {
	o, ok := m.takeOf(m.router, "table.field.additional.missing")
	switch {
	case !ok:
	case o.Value == "ignore" && m.messageTopic:
		m.needless(o, "a message may lack any key")
	case o.Value == "ignore":
		m.doc.set("outbox.missing_columns", textNode("ignore"), o)
	default:
		m.needless(o, "error is the default of outbox.missing_columns too")
	}
}
