package connector

import (
	"regexp"
	"strings"

	"github.com/walpost/walpost/internal/connector/source"
)

// security writes kafka.tls and kafka.sasl.
func (m *importer) security() {
	protocol, _ := m.producer("security.protocol")
	name := strings.ToUpper(protocol.Value)
	switch name {
	case "SSL", "SASL_SSL":
		m.tls(protocol)
	case "", "PLAINTEXT", "SASL_PLAINTEXT":
		if name == "PLAINTEXT" {
			m.needless(protocol, "without kafka.tls there is no TLS")
		}
	default:
		m.lost(protocol, "%s is not known: set kafka.tls and kafka.sasl", protocol.Value)
	}
	if strings.HasPrefix(name, "SASL_") {
		m.sasl(protocol)
	}
}

// tls takes files in PEM; those of Java must be converted.
func (m *importer) tls(protocol option) {
	m.doc.section("kafka.tls", protocol)
	m.store("truststore", "ca")
	m.store("keystore", "cert", "key")
	for _, name := range []string{"ssl.truststore.password", "ssl.keystore.password"} {
		if o, ok := m.producer(name); ok {
			m.needless(o, "a PEM file needs none")
		}
	}
	if o, ok := m.producer("ssl.key.password"); ok {
		m.lost(o, "kafka.tls.key is a file without a password: decrypt the key")
	}
	if o, there := m.src.Options[m.producerName("ssl.endpoint.identification.algorithm")]; there && !o.Used {
		o.Used = true
		if o.Value == "" {
			m.lost(*o, "the name in a broker's certificate is always verified; kafka.tls.server_name says which")
		} else {
			m.needless(*o, "the name in a broker's certificate is always verified")
		}
	}
}

// producerName is the name under which an option of the producer is known here.
func (m *importer) producerName(name string) string {
	if full := source.ProducerPrefix + "override." + name; m.src.Options[full] != nil {
		return full
	}
	return source.ProducerPrefix + name
}

// store takes a trust store or key store that is a PEM file.
func (m *importer) store(name string, keys ...string) {
	kind, _ := m.producer("ssl." + name + ".type")
	if kind.Raw != "" {
		m.needless(kind, "walpost reads PEM alone")
	}
	o, ok := m.producer("ssl." + name + ".location")
	switch {
	case !ok:
	case strings.EqualFold(kind.Value, "PEM"):
		for _, key := range keys {
			m.doc.set("kafka.tls."+key, textNode(m.text(o)), o)
		}
	default:
		m.lost(o, "%s is a store of Java: convert it to PEM with keytool and openssl, and set kafka.tls.%s", o.Value,
			strings.Join(keys, " and kafka.tls."))
	}
	for _, inline := range m.src.Names(m.producerName("ssl." + name + ".")) {
		if o, there := m.take(inline); there && !strings.HasSuffix(inline, ".password") {
			m.lost(o, "a certificate or key in the configuration itself: put it into a PEM file, and set kafka.tls.%s", keys[0])
		}
	}
}

// jaas is user and password of a login module. Values may be quoted.
var jaas = regexp.MustCompile(`(username|password)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"']+)`)

// sasl takes mechanism, user and password.
func (m *importer) sasl(protocol option) {
	mechanism, ok := m.producer("sasl.mechanism")
	if !ok {
		mechanism = option{Raw: "the producer's default of sasl.mechanism", Value: "GSSAPI"}
	}
	config, hasConfig := m.producer("sasl.jaas.config")
	switch mechanism.Value {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		m.doc.set("kafka.sasl.mechanism", textNode(mechanism.Value), protocol, mechanism)
		m.login(config)
		return
	case "OAUTHBEARER":
		m.doc.set("kafka.sasl.mechanism", textNode(mechanism.Value), protocol, mechanism)
		m.doc.set("kafka.sasl.token", textNode("${KAFKA_TOKEN}"))
		m.result.handover.set("KAFKA_TOKEN")
		m.lost(mechanism, "walpost fetches no token: write kafka.sasl.token: ${file:/path} of a file that something else keeps fresh")
	default:
		m.lost(mechanism, "%s is not known: walpost has PLAIN, SCRAM and OAUTHBEARER; set kafka.sasl", mechanism.Value)
	}
	if hasConfig {
		m.lost(config, "the login of %s is not carried over, and not shown", mechanism.Value)
	}
}

// login takes user and password out of a JAAS configuration, which is a secret as a whole.
func (m *importer) login(config option) {
	found := map[string]string{}
	for _, pair := range jaas.FindAllStringSubmatch(config.Value, -1) {
		found[pair[1]] = strings.Trim(pair[2], `"'`)
	}
	user := option{Raw: config.Raw, Value: found["username"]}
	if user.Value == "" {
		m.result.handover.set("KAFKA_USERNAME")
		m.look(option{Raw: "sasl.jaas.config"}, "names no user that can be read: set KAFKA_USERNAME")
		user.Value = "${KAFKA_USERNAME}"
		m.doc.set("kafka.sasl.username", textNode(user.Value))
	} else {
		m.doc.set("kafka.sasl.username", textNode(m.text(user)), user)
	}
	password := option{Raw: config.Raw, Value: found["password"]}
	if all := m.pieces(password); len(all) == 1 && all[0].reference != "" {
		m.doc.set("kafka.sasl.password", textNode(all[0].reference), password)
		return
	}
	if config.Raw == "" {
		password.Raw = "sasl.jaas.config"
	}
	m.doc.set("kafka.sasl.password", textNode(m.hide(password, "KAFKA_PASSWORD")), password)
}
