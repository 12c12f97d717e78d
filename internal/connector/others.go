package connector

import (
	"strings"

	"github.com/walpost/walpost/internal/suggest"
)

// rule says what becomes of options that are neither keys of walpost nor parts of one.
type rule struct {
	names string // separated by blanks; one that ends with a dot is a prefix
	does  func(*importer, option)
}

func needless(why string) func(*importer, option) {
	return func(m *importer, o option) { m.needless(o, "%s", why) }
}

func lost(what string) func(*importer, option) {
	return func(m *importer, o option) { m.lost(o, "%s", what) }
}

// unless is needless for these values, and lost for others.
func unless(values, what string) func(*importer, option) {
	return func(m *importer, o option) {
		for value := range strings.FieldsSeq(values) {
			if strings.EqualFold(o.Value, value) {
				m.needless(o, "%s, as in walpost", o.Value)
				return
			}
		}
		m.lost(o, "%s", what)
	}
}

// remaining says what becomes of every option that is not handled yet.
func (m *importer) remaining() {
	h := &m.result.handover
	h.connector, h.server, h.strimzi = m.src.Name, m.src.Server, m.src.Strimzi
	if m.src.Options["extended.headers.enabled"] == nil {
		m.look(absent("extended.headers.enabled"), "is not given: Debezium 3.2 and later writes four headers "+
			"__debezium.context.*, walpost none")
	}
	for _, name := range m.src.Names("") {
		o, ok := m.take(name)
		if !ok {
			continue
		}
		if does := find(rules(), name); does != nil {
			does(m, o)
			continue
		}
		m.unknown(name, o)
	}
}

// find returns the rule of a name: its own, or that of the longest prefix.
func find(all []rule, name string) func(*importer, option) {
	var best func(*importer, option)
	length := 0
	for _, r := range all {
		for known := range strings.FieldsSeq(r.names) {
			if known == name {
				return r.does
			}
			if strings.HasSuffix(known, ".") && strings.HasPrefix(name, known) && len(known) > length {
				best, length = r.does, len(known)
			}
		}
	}
	return best
}

// unknown names an option of which nothing is known.
func (m *importer) unknown(name string, o option) {
	if strings.HasPrefix(name, "transforms.") {
		m.unknownOfTransform(name, o)
		return
	}
	if strings.HasPrefix(name, "predicates.") || name == "predicates" {
		m.needless(o, "of the transforms that name it")
		return
	}
	for _, list := range []string{"converters", "post.processors"} {
		for _, alias := range splitList(m.src.Value(list)) {
			if strings.HasPrefix(name, alias+".") {
				m.lost(o, "of %s in %s", alias, list)
				return
			}
		}
	}
	var names []string
	for _, r := range rules() {
		names = append(names, strings.Fields(r.names)...)
	}
	m.lost(o, "is an unknown option%s: what it does is not done", near(name, append(names, carried()...)))
}

// unknownOfTransform names an option of the event router, or of a transform that is not in the chain.
func (m *importer) unknownOfTransform(name string, o option) {
	rest, ours := strings.CutPrefix(name, m.router.prefix())
	if !ours {
		m.look(o, "transforms does not name this transform, so Kafka Connect ignores the option")
		return
	}
	m.lost(o, "Debezium's event router has no such option%s: Debezium ignores it, and the default holds", near(rest, routerOptions()))
}

// near is the hint at a name that is meant perhaps.
func near(name string, names []string) string {
	const distance = 8
	if guess := suggest.Nearest(name, names, min(distance, len(name)/3)); guess != "" {
		return " (did you mean " + guess + "?)"
	}
	return ""
}

// routerOptions are the options of the event router.
func routerOptions() []string {
	return strings.Fields(`route.by.field route.tombstone.on.empty.payload route.topic.regex route.topic.replacement
		table.expand.json.payload table.field.additional.missing table.field.event.id table.field.event.key table.field.event.payload
		table.field.event.schema.version table.field.event.timestamp table.field.event.type table.fields.additional.placement
		table.json.payload.empty.array.behavior table.json.payload.null.behavior table.op.invalid.behavior tracing.operation.name
		tracing.span.context.field tracing.with.context.field.only`)
}

// carried are the options of a connector that keys of walpost come from.
func carried() []string {
	return strings.Fields(`name connector.class database.hostname database.port database.user database.password database.dbname
		database.sslmode database.sslrootcert database.sslcert database.sslkey plugin.name slot.name slot.failover publication.name
		publication.autocreate.mode table.include.list topic.prefix binary.handling.mode key.converter value.converter header.converter
		transforms predicates errors.tolerance event.processing.failure.handling.mode exactly.once.support topic.creation.enable`)
}
