package connector

import (
	"net/url"
	"strings"
)

// encode writes a part of a URL.
func encode(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// database writes postgres.url and postgres.password.
func (m *importer) database() {
	var from []option
	part := func(name, missing string, encode func(string) string) string {
		o, ok := m.take(name)
		if !ok {
			if missing == "" {
				variable := m.variable(absent(name))
				m.result.handover.set(variable)
				m.look(absent(name), "is not given: set the environment variable %s", variable)
				return "${" + variable + "}"
			}
			return missing
		}
		from = append(from, o)
		return m.textWith(o, encode)
	}
	user := part("database.user", "", encode)
	host := part("database.hostname", "", func(text string) string {
		if strings.Contains(text, ":") {
			return "[" + text + "]"
		}
		return text
	})
	port := part("database.port", "5432", encode)
	name := part("database.dbname", "", encode)
	parameters, more := m.tlsParameters()
	m.doc.set("postgres.url", textNode("postgres://"+user+"@"+host+":"+port+"/"+name+parameters), append(from, more...)...)
	if o, ok := m.take("database.password"); ok {
		m.doc.set("postgres.password", textNode(m.secret(o)), o)
	}
}

// tlsParameters returns the parameters of the URL for TLS, with ? before them.
func (m *importer) tlsParameters() (parameters string, from []option) {
	add := func(name, value string, o option) {
		separator := "?"
		if parameters != "" {
			separator = "&"
		}
		parameters += separator + name + "=" + value
		from = append(from, o)
	}
	for _, name := range []string{"sslmode", "sslrootcert", "sslcert", "sslkey"} {
		o, ok := m.take("database." + name)
		if !ok {
			continue
		}
		add(name, m.textWith(o, encode), o)
		if name == "sslkey" {
			m.look(o, "Java wants the key as DER (PKCS#8 or PKCS#12), walpost as PEM: convert it with openssl")
		}
	}
	if o, ok := m.take("database.sslpassword"); ok {
		add("sslpassword", m.secret(o), o)
	}
	return parameters, from
}

// What Debezium calls them if the connector does not.
const (
	defaultSlot        = "debezium"
	defaultPublication = "dbz_publication"
)

// slot keeps the slot and the publication, so that walpost goes on where the connector stopped.
func (m *importer) slot() {
	plugin, named := m.take("plugin.name")
	switch {
	case !named || plugin.Value != "pgoutput":
		m.otherPlugin(plugin, named)
		return
	case len(m.table.others) > 0:
		m.needless(plugin, "walpost reads pgoutput")
		m.ownSlot("of the slot that the connector keeps for its other tables")
		return
	}
	m.needless(plugin, "walpost reads pgoutput")
	m.result.handover.slot = m.keep("slot.name", "postgres.slot", defaultSlot)
	m.result.handover.publication = m.keep("publication.name", "postgres.publication", defaultPublication)
	m.doc.set("postgres.create", boolNode(false), option{Raw: "slot and publication are there"})
	m.failover()
	m.publicationMode()
}

// publicationMode says what a publication holds that Debezium has made.
func (m *importer) publicationMode() {
	mode, given := m.take("publication.autocreate.mode")
	switch {
	case !given:
		mode = absent("publication.autocreate.mode")
		fallthrough
	case mode.Value == "all_tables":
		m.look(mode, "a publication that Debezium made is FOR ALL TABLES unless it says otherwise: then walpost reads the changes "+
			"of every "+
			"table and passes over them, which costs; one of the outbox alone is cheaper")
	default:
		m.needless(mode, "the publication is there")
	}
}

func (m *importer) failover() {
	if o, ok := m.isTrue("slot.failover"); ok {
		m.doc.set("postgres.failover", boolNode(true), o)
	}
}

// keep sets a key to what the option says, or to Debezium's default.
func (m *importer) keep(name, key, fallback string) string {
	o, ok := m.take(name)
	if !ok {
		o = option{Raw: "Debezium's default of " + name, Value: fallback}
	}
	text := m.text(o)
	m.doc.set(key, textNode(text), o)
	return text
}

// otherPlugin leaves a slot that walpost cannot read.
func (m *importer) otherPlugin(plugin option, named bool) {
	why := "is not given, and Debezium's default is decoderbufs"
	if !named {
		plugin = absent("plugin.name")
	} else {
		why = "is " + plugin.Value
	}
	m.lost(plugin, "%s: walpost reads pgoutput, and a slot has its plugin for good. walpost init makes a slot of its own", why)
	m.ownSlot("of the slot with another plugin, which walpost cannot take over")
}

// ownSlot leaves slot and publication of the connector alone.
func (m *importer) ownSlot(why string) {
	m.failover()
	m.result.handover.shared = len(m.table.others) > 0
	for _, name := range []string{"slot.name", "publication.name", "publication.autocreate.mode"} {
		if o, ok := m.take(name); ok {
			m.needless(o, "%s", why)
		}
	}
}
