package connector

import (
	"regexp"
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
)

// table is the outbox among the tables that the connector reads.
type table struct {
	name   string // schema.table, without quotes; "": not found
	from   option
	others []string // tables that the connector publishes too
}

var (
	plainName = regexp.MustCompile(`^[\pL_][\pL\pN_$ -]*$`)
	plainPath = regexp.MustCompile(`^[\pL\pN_$ -]+(\.[\pL\pN_$ -]+)?$`)
)

// findTable finds the outbox.
func (m *importer) findTable() {
	if m.messageTopic {
		return
	}
	o, ok := m.take("table.include.list", "table.whitelist")
	if !ok {
		m.tableOfPredicate()
		return
	}
	names := slices.DeleteFunc(splitList(strings.ReplaceAll(o.Value, `\.`, ".")), m.noOutbox)
	likely := names
	if len(names) != 1 {
		likely = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return !strings.Contains(strings.ToLower(name), "outbox")
		})
	}
	if len(likely) != 1 || !plainPath.MatchString(likely[0]) {
		m.table.others = names
		m.lost(o, "%s is not one table: set outbox.table; each outbox has a file and a slot of its own", o.Value)
		return
	}
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == likely[0] })
	m.table = table{likely[0], o, others}
}

// noOutbox reports whether a table is there for signals or heartbeats.
func (m *importer) noOutbox(name string) bool {
	_, table, _ := strings.Cut(name, ".")
	signals := strings.HasSuffix(m.src.Value("signal.data.collection"), name)
	return signals || table != "" && strings.Contains(m.src.Value("heartbeat.action.query"), table)
}

// tableOfPredicate looks for the table in the predicate of the router.
func (m *importer) tableOfPredicate() {
	class, pattern, negated := m.predicate(m.router)
	parts := strings.Split(strings.ReplaceAll(pattern, `\.`, "."), ".")
	if class == "TopicNameMatches" && !negated && len(parts) >= 3 {
		if name := strings.Join(parts[len(parts)-2:], "."); plainPath.MatchString(name) {
			m.table = table{name, option{Raw: m.src.Raw(m.router.prefix() + "predicate")}, []string{"every other table"}}
			return
		}
	}
	m.table.others = []string{"every table"}
	m.lost(absent("table.include.list"), "is not given, so the connector reads every table: set outbox.table; without it walpost takes "+
		"public.outbox")
}

// writeTable writes outbox.table. Debezium compares names without case.
func (m *importer) writeTable() {
	if m.messageTopic {
		m.messagePrefix()
		return
	}
	if m.table.name == "" {
		return
	}
	o := m.table.from
	schema, name, qualified := strings.Cut(m.table.name, ".")
	if !qualified {
		schema, name = "public", m.table.name
		m.look(o, "Debezium compares with schema.table: outbox.table is %s in schema public", name)
	}
	if m.table.name != strings.ToLower(m.table.name) {
		m.look(o, "Debezium compares names without case, Postgres does not: walpost check says whether the table is called so")
	}
	m.doc.set("outbox.table", textNode(pgname.QuoteIfNeeded(schema)+"."+pgname.QuoteIfNeeded(name)), o)
	if len(m.table.others) > 0 {
		m.lost(o, "the connector publishes %s too, which walpost does not: it goes on for them with its slot, and walpost has one "+
			"of its own",
			strings.Join(m.table.others, ", "))
	}
}

// messagePrefix takes the messages of the events instead of a table.
func (m *importer) messagePrefix() {
	m.doc.set("outbox.source", textNode("message"), option{Raw: "DecodeLogicalDecodingMessageContent"})
	o, ok := m.take("message.prefix.include.list")
	switch {
	case !ok:
		m.lost(absent("message.prefix.include.list"), "is not given, so messages of every prefix are events; walpost takes those "+
			"with the "+
			"prefix outbox: set outbox.prefix")
	case plainName.MatchString(o.Value):
		m.doc.set("outbox.prefix", textNode(m.text(o)), o)
	default:
		m.lost(o, "%s is no single prefix: set outbox.prefix", o.Value)
	}
}
