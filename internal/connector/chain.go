package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// routerClass is the transform that makes a connector one of an outbox.
const routerClass = "io.debezium.transforms.outbox.EventRouter"

const decodeClass = "io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent"

func isRouter(class string) bool { return class == routerClass }

// transform is one of the chain.
type transform struct{ alias, class string }

func (t transform) prefix() string { return "transforms." + t.alias + "." }

// splitList splits a list at its commas.
func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// findRouter reads the chain of transforms around the event router.
func (m *importer) findRouter() error {
	class := m.src.Value("connector.class")
	if class != "" && !strings.Contains(strings.ToLower(class), "postgres") {
		return fmt.Errorf("connector.class is %s: walpost reads Postgres", class)
	}
	if sink := m.src.Value("debezium.sink.type"); sink != "" && sink != "kafka" {
		return fmt.Errorf("debezium.sink.type is %s: walpost writes to Kafka", sink)
	}
	found := false
	for _, alias := range splitList(m.src.Value("transforms")) {
		t := transform{alias: alias}
		t.class = m.src.Value(t.prefix() + "type")
		switch {
		case isRouter(t.class) && !found:
			m.router, found = t, true
		case found:
			m.after = append(m.after, t)
		default:
			m.before = append(m.before, t)
		}
	}
	if !found {
		return m.noRouter()
	}
	for _, name := range []string{"connector.class", "debezium.sink.type", "transforms"} {
		m.src.Use(name)
	}
	m.src.Use(m.router.prefix() + "type")
	return nil
}

// noRouter says why there is nothing to import.
func (m *importer) noRouter() error {
	for _, name := range m.src.Names("transforms.") {
		if isRouter(m.src.Value(name)) {
			alias := strings.TrimSuffix(strings.TrimPrefix(name, "transforms."), ".type")
			return fmt.Errorf("the event router %s is not in transforms, so it does nothing: add it there", alias)
		}
		if strings.HasSuffix(m.src.Value(name), ".MongoEventRouter") {
			return errors.New("its event router is that of MongoDB: walpost reads Postgres")
		}
	}
	if len(m.src.Options) == 0 {
		return errors.New("has no options")
	}
	return errors.New("no transform is " + routerClass + ": this connector publishes changes of tables, and walpost relays the " +
		"events of an " +
		"outbox")
}

// decodesMessages reports whether the outbox is a logical decoding message instead of a table.
func (m *importer) decodesMessages() bool {
	return slices.ContainsFunc(m.before, func(t transform) bool { return t.class == decodeClass })
}

// predicate returns the predicate of a transform: its class without the package, its pattern, and whether it is negated.
func (m *importer) predicate(t transform) (class, pattern string, negated bool) {
	name := m.src.Value(t.prefix() + "predicate")
	if name == "" {
		return "", "", false
	}
	full := m.src.Value("predicates." + name + ".type")
	class = full[strings.LastIndexByte(full, '.')+1:]
	return class, m.src.Value("predicates." + name + ".pattern"), strings.EqualFold(m.src.Value(t.prefix()+"negate"), "true")
}

// routerPredicate says what becomes of a predicate of the event router.
func (m *importer) routerPredicate() {
	o, ok := m.takeOf(m.router, "predicate")
	if negate, there := m.takeOf(m.router, "negate"); there {
		m.needless(negate, "of the predicate")
	}
	if !ok {
		return
	}
	switch class, _, _ := m.predicate(m.router); class {
	case "TopicNameMatches", "RecordIsTombstone":
		m.needless(o, "walpost reads the outbox alone")
	default:
		m.lost(o, "predicates are not known: every row of the outbox is published")
	}
}

// otherTransforms says what becomes of the transforms before and after the event router.
func (m *importer) otherTransforms() {
	for _, t := range m.before {
		m.one(t, true)
	}
	for _, t := range m.after {
		m.one(t, false)
	}
}

// one handles a transform, and marks all of its options.
func (m *importer) one(t transform, before bool) {
	whole := option{Raw: m.src.Raw(t.prefix() + "type")}
	whole.Raw = strings.TrimSuffix(whole.Raw, "type") + "*"
	short := t.class[strings.LastIndexByte(t.class, '.')+1:]
	if short == "" {
		m.lost(whole, "it has no type: Kafka Connect would refuse it")
	} else if before {
		m.beforeRouter(t, short, whole)
	} else {
		m.afterRouter(t, short, whole)
	}
	for _, name := range m.src.Names(t.prefix()) {
		m.src.Use(name)
	}
}

// beforeRouter says what a transform of Debezium's change events means for the outbox.
func (m *importer) beforeRouter(t transform, short string, whole option) {
	_, _, negated := m.predicate(t)
	has := m.src.Value(t.prefix()+"predicate") != ""
	switch {
	case t.class == decodeClass:
		m.needless(whole, "%s: outbox.source: message reads these messages", short)
	case short == "Filter" && has && m.dropsNothingOfOutbox(t):
		m.needless(whole, "%s: what it drops, walpost never writes", short)
	case short == "ExtractNewRecordState" && !has:
		m.lost(whole, "%s before the event router: it takes away what the router needs, so this connector does not route events; try "+
			"this file on a copy first", short)
	case short == "ByLogicalTableRouter" || short == "RegexRouter" || short == "TimestampRouter":
		m.needless(whole, "%s before the event router: the router sets the topic", short)
	case short == "HeaderFrom$Value" || short == "HeaderFrom$Key":
		m.lost(whole, "%s: its headers are not written", short)
	case short == "Filter" && !has:
		m.lost(whole, "%s", lostTransform(short))
	case has && negated:
		m.needless(whole, "%s: it is for other tables, as its predicate says; walpost relays the outbox alone", short)
	default:
		m.lost(whole, "%s is not known: what it does to the rows of the outbox is not done", short)
	}
}

// dropsNothingOfOutbox reports whether a Filter drops only what is no event: heartbeats, or the tombstones of deletes.
func (m *importer) dropsNothingOfOutbox(t transform) bool {
	class, pattern, negated := m.predicate(t)
	switch class {
	case "RecordIsTombstone":
		return !negated
	case "TopicNameMatches":
		return negated || strings.Contains(pattern, "heartbeat") || strings.Contains(pattern, "transaction")
	}
	return false
}

// afterRouter says what a transform does to the records of the outbox.
func (m *importer) afterRouter(t transform, short string, whole option) {
	class, pattern, negated := m.predicate(t)
	switch {
	case short == "ExtractNewRecordState" || t.class == decodeClass:
		m.needless(whole, "%s after the event router: it passes the router's records on as they are", short)
	case isRouter(t.class):
		m.lost(whole, "a second event router: one file of walpost has one mapping. Import it into a file of its own, with a slot "+
			"of its own")
	case class == "TopicNameMatches" && strings.Contains(pattern, "heartbeat") && !negated:
		m.needless(whole, "%s: it is for heartbeats, which walpost does not send", short)
	case class != "" && short != "Filter":
		m.lost(whole, "%s with the predicate %s: it is not done", short, class)
	case short == "RegexRouter":
		m.regexRouter(t, whole)
	case short == "InsertHeader":
		m.insertHeader(t, whole)
	case short == "DropHeaders":
		m.dropHeaders(t, whole)
	default:
		m.lost(whole, "%s", lostTransform(short))
	}
}

// lostTransform says what follows from a transform that is left out.
func lostTransform(short string) string {
	name, _, _ := strings.Cut(short, "$")
	switch name {
	case "Filter":
		return short + ": what it drops is published; outbox.filter can leave out rows by the text of a column"
	case "ContentBasedRouter", "TimestampRouter", "ExtractTopic":
		return short + ": the topic is that of the event router"
	case "ValueToKey", "ExtractField", "ReplaceField", "MaskField", "Cast", "Flatten", "HoistField", "InsertField", "TimezoneConverter",
		"TimestampConverter":
		return short + ": key and value are those of the event router"
	case "HeaderFrom", "HeaderToValue":
		return short + ": headers and value are those of the event router; outbox.headers has columns, constants and members of a " +
			"JSON column"
	case "SetSchemaMetadata":
		return short + ": the names and versions of schemas are the router's, which only json_schema and Avro show"
	case "PartitionRouting":
		return short + ": the partition is that of the key; outbox.partition takes a column"
	case "ActivateTracingSpan":
		return short + ": no span is made; outbox.trace passes a trace context on"
	}
	return short + " is not known: the record is that of the event router"
}
