package config

import (
	"slices"
	"time"
)

func kafkaKeys() []key { return slices.Concat(clusterKeys(), batchKeys(), sectionsOfKafka()) }

// clusterKeys are which cluster, and as whom.
func clusterKeys() []key {
	return []key{
		{
			name: "brokers", required: true,
			about: "Bootstrap brokers. A reference may expand to several, separated by commas: `[\"${BROKERS}\"]`.",
			value: list{at: func(c *Config) *[]string { return &c.Kafka.Brokers }, min: 1, many: true, kind: "host:port", item: textRules{
				pattern: hostPortPattern, want: "host:port like localhost:9092, an IPv6 host in brackets, one broker per item",
				check: checkHostPort,
			}},
		},
		{
			name: "client_id", derived: "walpost-<name>", derive: func(c *Config) { c.Kafka.ClientID = "walpost-" + c.Name },
			about: "Name of this client in the brokers' logs, metrics and quotas.",
			value: text(func(c *Config) *string { return &c.Kafka.ClientID }, textRules{
				pattern: clientIDPattern, want: "letters, digits and signs without blanks",
			}),
		},
	}
}

// batchKeys are how records are sent.
func batchKeys() []key {
	return []key{
		{
			name: "compression", fallback: "lz4", about: "Compression of record batches. Every client reads gzip. Not every client " +
				"reads zstd or lz4: kafkajs does not read lz4, kafka-python needs an extra package.",
			value: text(func(c *Config) *string { return &c.Kafka.Compression },
				textRules{enum: []string{"none", "gzip", "snappy", "lz4", "zstd"}}),
		},
		{
			name: "linger", fallback: "0s",
			about: "How long a batch may wait for more records. 0s: send as soon as the broker is free; while the relay is more " +
				"than 20 ms behind the commits, a request may wait 5 to 20 ms to fill.",
			value: duration(func(c *Config) *time.Duration { return &c.Kafka.Linger }, true),
		},
		{
			name: "max_message_bytes", fallback: "1MiB",
			about: "Maximum size of a record before compression (key, value, headers), as max.request.size in Java, up to 90MiB. A " +
				"larger record is rejected without asking Kafka. The broker also checks max.message.bytes of the topic, after " +
				"compression.",
			value: size(func(c *Config) *Size { return &c.Kafka.MaxMessageBytes }, 1, maxMessage),
		},
	}
}

func sectionsOfKafka() []key {
	return []key{
		{name: "topics", about: "How missing topics are created, and which topics may be written.", keys: topicsKeys()},
		{
			name: "tls", about: "TLS to the brokers. The section turns TLS on; {} verifies with the system's root certificates.",
			keys:    tlsKeys(),
			open:    func(c *Config) { c.Kafka.TLS = &TLS{} },
			present: func(c *Config) bool { return c.Kafka.TLS != nil },
		},
		{
			name: "sasl", about: "Authentication to the brokers. The section turns it on.", keys: saslKeys(),
			open:    func(c *Config) { c.Kafka.SASL = &SASL{} },
			present: func(c *Config) bool { return c.Kafka.SASL != nil },
		},
	}
}

func topicsKeys() []key { return slices.Concat(newTopicKeys(), topicLimitKeys()) }

// newTopicKeys are how missing topics are made.
func newTopicKeys() []key {
	return []key{
		{
			name: "create", fallback: "false",
			about: "Create a missing topic with the settings below. Otherwise its records are rejected.",
			value: boolean(func(c *Config) *bool { return &c.Kafka.Topics.Create }),
		},
		{
			name: "partitions", fallback: "-1", about: "Partitions of a new topic. -1: the broker's default.",
			value: count(func(c *Config) *int32 { return &c.Kafka.Topics.Partitions }, 1<<31-1),
		},
		{
			name: "replication_factor", fallback: "-1", about: "Replicas of a new topic. -1: the broker's default.",
			value: count(func(c *Config) *int16 { return &c.Kafka.Topics.ReplicationFactor }, 1<<15-1),
		},
		{
			name: "config", fallback: "{}", about: "Settings of a new topic, such as retention.ms.",
			value: settings{at: func(c *Config) *map[string]string { return &c.Kafka.Topics.Config }},
		},
	}
}

// topicLimitKeys are which topics there may and should be.
func topicLimitKeys() []key {
	return []key{
		{
			name: "allow", fallback: "[]", about: "Globs of topic names. If set, records of any other topic are rejected.",
			value: list{at: func(c *Config) *[]string { return &c.Kafka.Topics.Allow }, item: textRules{check: checkGlob}, kind: "globs"},
		},
		{
			name: "most", fallback: "1000",
			about: "Maximum number of topics that rows may name, in addition to those that this file names. Records of further " +
				"topics are rejected. This bounds memory, and the number of topics that `create` creates.",
			value: whole(func(c *Config) *int { return &c.Kafka.Topics.Most }, 1, maxTopics),
		},
		{
			name: "declare", fallback: "{}",
			about: "Topics as code, for `walpost topics`: each name with its `partitions`, `replication_factor` and `config`. For " +
				"an existing topic, a setting that is left out is not compared. A new topic takes it from the keys above. " +
				"`init` and `run` create topics the same way.",
			value: declared{at: func(c *Config) *map[string]DeclaredTopic { return &c.Kafka.Topics.Declare }},
		},
	}
}

func tlsKeys() []key {
	file := func(name, about string, at func(*Config) *string) key {
		return key{name: name, fallback: `""`, about: about, value: text(at, textRules{check: checkFile, kind: "path"})}
	}
	return []key{
		file("ca", "PEM file of the CA certificates that verify the brokers' certificates. Empty: those of the system.",
			func(c *Config) *string { return &c.Kafka.TLS.CA }),
		file("cert", "PEM file of the client certificate; needs `key`.", func(c *Config) *string { return &c.Kafka.TLS.Cert }),
		file("key", "PEM file of the private key of the client certificate.", func(c *Config) *string { return &c.Kafka.TLS.Key }),
		{
			name: "server_name", fallback: `""`, about: "Name that the brokers' certificates must contain. Empty: the host of each broker.",
			value: text(func(c *Config) *string { return &c.Kafka.TLS.ServerName }, textRules{}),
		},
	}
}

func saslKeys() []key {
	return []key{
		{
			name: "mechanism", fallback: "SCRAM-SHA-512", about: "PLAIN and SCRAM need `username` and `password`, OAUTHBEARER " +
				"needs `token`.",
			value: text(func(c *Config) *string { return &c.Kafka.SASL.Mechanism }, textRules{
				enum: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", oauthBearer},
			}),
		},
		{
			name: "username", fallback: `""`, about: "User name, for PLAIN and SCRAM.",
			value: text(func(c *Config) *string { return &c.Kafka.SASL.Username }, textRules{}),
		},
		{
			name: "password", fallback: `""`, about: "Password. Read again at each authentication.",
			value: secretValue{at: func(c *Config) *Secret { return &c.Kafka.SASL.Password }, kind: "secret"},
		},
		{
			name: "token", fallback: `""`, about: "Token of OAUTHBEARER, usually `${file:/path}`. Read again at each authentication.",
			value: secretValue{at: func(c *Config) *Secret { return &c.Kafka.SASL.Token }, kind: "secret"},
		},
	}
}
