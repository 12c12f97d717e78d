package connector

import (
	"strings"

	"github.com/walpost/walpost/internal/connector/source"
)

// producerRules are options of Kafka's Java producer.
func producerRules() []rule {
	var all []rule
	for _, r := range producerOptions() {
		var names []string
		for _, prefix := range []string{source.ProducerPrefix, source.ProducerPrefix + "override."} {
			for name := range strings.FieldsSeq(r.names) {
				names = append(names, prefix+name)
			}
		}
		all = append(all, rule{strings.Join(names, " "), r.does})
	}
	return append(all, rule{"acks", needless("walpost always asks for acks=all")})
}

func producerOptions() []rule {
	return []rule{
		{
			"acks enable.idempotence max.in.flight.requests.per.connection",
			needless("walpost always writes with acks=all and an idempotent producer"),
		},
		{
			"retries retry.backoff.ms retry.backoff.max.ms delivery.timeout.ms request.timeout.ms max.block.ms " +
				"reconnect.backoff.ms reconnect.backoff.max.ms",
			needless("walpost waits until Kafka is there again, and sends the same bytes"),
		},
		{"batch.size", needless("walpost sends what waits as soon as the broker is free; kafka.linger lets it wait")},
		{"buffer.memory", needless("delivery.in_flight bounds the memory")},
		{
			"compression.gzip.level compression.lz4.level compression.zstd.level",
			needless("the level is that of walpost's libraries; consumers do not see it"),
		},
		{
			"partitioner.class",
			unless("org.apache.kafka.clients.producer.internals.DefaultPartitioner", "records lie in the partition of their key, "+
				"by murmur2"),
		},
		{"partitioner.ignore.keys", unless("false", "records lie in the partition of their key, by murmur2")},
		{"partitioner.", needless("it is for records without a key")},
		{"key.serializer value.serializer", needless("key and value are written as outbox.format says")},
		{"key.converter.schemas.enable value.converter.schemas.enable", needless("no option of a producer: Kafka ignores it")},
		{"interceptor.classes", lost("classes of Java that see each record")},
		{
			"transactional.id transaction.timeout.ms transaction.",
			lost("delivery.guarantee: exactly_once has a transactional id of its own"),
		},
		{
			"metrics. metric.reporters auto.include.jmx.reporter enable.metrics.push confluent.",
			needless("walpost has metrics of its own"),
		},
		{
			"client.dns.lookup metadata. connections.max.idle.ms receive.buffer.bytes send.buffer.bytes socket.connection.",
			needless("connections and their times are walpost's own"),
		},
		{
			"security.providers ssl.engine.factory.class ssl.provider ssl.secure.random.implementation " +
				"ssl.keymanager.algorithm ssl.trustmanager.algorithm",
			lost("a class or setting of Java's TLS"),
		},
		{
			"ssl.protocol ssl.enabled.protocols ssl.cipher.suites",
			needless("walpost takes TLS 1.2 and later, with Go's cipher suites"),
		},
		{"ssl. sasl. security.", needless("without security.protocol that asks for it, it has no effect")},
		{
			"sasl.login. sasl.client.callback.handler.class sasl.kerberos. sasl.oauthbearer.",
			lost("of a login that walpost does not have"),
		},
	}
}

// serverRules are options of Debezium Server.
func serverRules() []rule {
	return []rule{
		{
			"offset.storage offset.storage. offset.flush. offset.commit.policy",
			needless("the slot holds walpost's position; keep the file or topic for the way back"),
		},
		{"debezium.sink.kafka.wait.message.delivery.timeout.ms", needless("walpost waits for as long as Kafka needs")},
		{"debezium.sink.type", needless("walpost writes to Kafka")},
		{"debezium.sink.", lost("another sink than Kafka, or an option of it that is not known")},
		{"debezium.format.", lost("an option of a format that is not known")},
		{"debezium.api. debezium.engine. debezium.", lost("an option of Debezium Server that is not known")},
		{"quarkus.http. quarkus.", needless("of Debezium Server's process: walpost has admin.listen, and the section log")},
		{"spec.", needless("of Strimzi's operator")},
		{"record.processing. threads.", needless("the order of records is always kept")},
	}
}
