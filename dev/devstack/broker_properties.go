package devstack

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// log4jConfig sends what a person needs to standard output.
const log4jConfig = `<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d{ISO8601} %p %m (%c{1})%n%throwable"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
`

// mechanisms are the SASL mechanisms of the SASL listeners.
const mechanisms = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"

// properties is the text of server.properties.
func (b *Broker) properties() (string, error) {
	all := b.baseProperties()
	maps.Copy(all, b.listenerProperties())
	if b.kafka.options.TLS != nil {
		tls, err := b.tlsProperties()
		if err != nil {
			return "", err
		}
		maps.Copy(all, tls)
	}
	for _, l := range []Listener{SASLPlaintext, SASLTLS} {
		if _, ok := b.ports[l]; ok {
			maps.Copy(all, b.saslProperties(l))
		}
	}
	if b.kafka.options.Authorize {
		all["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		// who comes by plaintext, such as the brokers themselves
		all["super.users"] = strings.Join(append([]string{"User:ANONYMOUS"}, b.kafka.options.SuperUsers...), ";")
	}
	if b.kafka.options.QuickStart {
		all["log.index.size.max.bytes"] = "65536" // 10 MiB to map twice cost 10 ms of CPU with a partition's first records
	}
	maps.Copy(all, b.kafka.options.Settings)
	return javaProperties(all), nil
}

// javaProperties is the text of a file of properties.
func javaProperties(all map[string]string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", key, strings.ReplaceAll(all[key], `\`, `\\`))
	}
	return text.String()
}

// baseProperties fit a small cluster that starts quickly.
func (b *Broker) baseProperties() map[string]string {
	n := len(b.kafka.brokers)
	replicas, inSync := strconv.Itoa(min(n, 3)), strconv.Itoa(min(n, 2))
	return map[string]string{
		"node.id":       strconv.Itoa(b.id),
		"process.roles": "broker,controller",
		"log.dirs":      b.guard.path("data"),

		"default.replication.factor":               replicas,
		"offsets.topic.replication.factor":         replicas,
		"offsets.topic.num.partitions":             "4",
		"transaction.state.log.replication.factor": replicas,
		"transaction.state.log.min.isr":            inSync,
		"transaction.state.log.num.partitions":     "4",

		"auto.create.topics.enable":                 "false",
		"group.initial.rebalance.delay.ms":          "0",
		"log.cleaner.dedupe.buffer.size":            "8388608", // of the heap, which the default would fill by a quarter
		"broker.heartbeat.interval.ms":              "500",
		"broker.session.timeout.ms":                 "4000",
		"controller.quorum.election.timeout.ms":     "500",
		"controller.quorum.election.backoff.max.ms": "500",
		"initial.broker.registration.timeout.ms":    "60000",
	}
}

// listenerProperties say where the broker listens and what it tells clients.
func (b *Broker) listenerProperties() map[string]string {
	bound := []string{fmt.Sprintf("%s://%s", controller, address(b.ports[controller]))}
	protocols := []string{fmt.Sprintf("%s:%s", controller, controller.protocol())}
	var advertised []string
	for _, l := range b.kafka.listeners() {
		bound = append(bound, fmt.Sprintf("%s://%s", l, address(b.ports[l])))
		advertised = append(advertised, fmt.Sprintf("%s://%s", l, b.Addr(l)))
		protocols = append(protocols, fmt.Sprintf("%s:%s", l, l.protocol()))
	}
	var voters []string
	for _, peer := range b.kafka.brokers {
		voters = append(voters, fmt.Sprintf("%d@%s", peer.id, address(peer.ports[controller])))
	}
	return map[string]string{
		"listeners":                      strings.Join(bound, ","),
		"advertised.listeners":           strings.Join(advertised, ","),
		"listener.security.protocol.map": strings.Join(protocols, ","),
		"inter.broker.listener.name":     string(Plaintext),
		"controller.listener.names":      string(controller),
		"controller.quorum.voters":       strings.Join(voters, ","),
	}
}

// tlsProperties write the certificates and name them.
func (b *Broker) tlsProperties() (map[string]string, error) {
	options := b.kafka.options.TLS
	certificate, err := options.certificate()
	if err != nil {
		return nil, err
	}
	keystore, err := b.guard.write("keystore.pem", bytes.Join([][]byte{certificate.KeyPEM, certificate.CertPEM}, nil))
	if err != nil {
		return nil, err
	}
	truststore, err := b.guard.write("truststore.pem", options.CA.PEM())
	if err != nil {
		return nil, err
	}
	auth := "none"
	if options.ClientAuth {
		auth = "required"
	}
	return map[string]string{
		"ssl.keystore.type":       "PEM",
		"ssl.keystore.location":   keystore,
		"ssl.truststore.type":     "PEM",
		"ssl.truststore.location": truststore,
		"ssl.client.auth":         auth,
	}, nil
}

// saslProperties let the users in by every mechanism. Passwords for SCRAM are in the cluster's metadata, see SetPassword.
func (b *Broker) saslProperties(l Listener) map[string]string {
	var plain strings.Builder
	plain.WriteString("org.apache.kafka.common.security.plain.PlainLoginModule required")
	for _, user := range slices.Sorted(maps.Keys(b.kafka.options.Users)) {
		fmt.Fprintf(&plain, " user_%s=%s", user, strconv.Quote(b.kafka.options.Users[user]))
	}
	const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	prefix := "listener.name." + strings.ToLower(string(l)) + "."
	return map[string]string{
		prefix + "sasl.enabled.mechanisms":        mechanisms,
		prefix + "plain.sasl.jaas.config":         plain.String() + ";",
		prefix + "scram-sha-256.sasl.jaas.config": scram,
		prefix + "scram-sha-512.sasl.jaas.config": scram,
		prefix + "oauthbearer.sasl.jaas.config": `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ` +
			`unsecuredLoginStringClaim_sub="broker";`,
	}
}
