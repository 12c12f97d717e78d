package config

import "time"

func kafkaKeys() []key {
	return []key{
		{
			name: "brokers", required: true,
			about: "Brokers to ask for the cluster. A reference may give several, with commas between them: `[\"${BROKERS}\"]`.",
			value: list{at: func(c *Config) *[]string { return &c.Kafka.Brokers }, least: 1, many: true, kind: "host:port", item: textRules{
				pattern: hostPortPattern, want: "host:port like localhost:9092, an IPv6 host in brackets, one broker per item", check: checkHostPort,
			}},
		},
		{
			name: "client_id", derived: "walpost-<name>", derive: func(c *Config) { c.Kafka.ClientID = "walpost-" + c.Name },
			about: "Name of this client in the broker's logs, metrics and quotas.",
			value: text(func(c *Config) *string { return &c.Kafka.ClientID }, textRules{
				pattern: clientIDPattern, want: "letters, digits and signs without blanks",
			}),
		},
		{
			name: "compression", fallback: "lz4", about: "Compression of record batches. Not every client reads lz4 (kafkajs does not, kafka-python with an extra package) or zstd; gzip all do.",
			value: text(func(c *Config) *string { return &c.Kafka.Compression }, textRules{enum: []string{"none", "gzip", "snappy", "lz4", "zstd"}}),
		},
		{
			name: "linger", fallback: "0s",
			about: "How long a batch may wait to fill. 0s: send when the broker is free; while commits are older than 20 ms a request may wait 5 ms to fill.",
			value: duration(func(c *Config) *time.Duration { return &c.Kafka.Linger }, true),
		},
		{
			name: "max_message_bytes", fallback: "1MiB",
			about: "Largest record before compression (key, value, headers), as max.request.size in Java, up to 90MiB. A larger one is rejected without asking Kafka; the max.message.bytes of a topic is judged by the broker, after compression.",
			value: size(func(c *Config) *Size { return &c.Kafka.MaxMessageBytes }, 1, maxMessage),
		},
		{name: "topics", about: "How missing topics are made, and which may be written.", keys: topicsKeys()},
		{
			name: "tls", about: "TLS to the brokers. The section turns it on: {} verifies with the roots of the system.", keys: tlsKeys(),
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

func topicsKeys() []key {
	return []key{
		{
			name: "create", fallback: "false",
			about: "Create a missing topic with the settings below; otherwise its records are rejected.",
			value: boolean(func(c *Config) *bool { return &c.Kafka.Topics.Create }),
		},
		{
			name: "partitions", fallback: "-1", about: "Partitions of a topic that is created; -1: the broker's default.",
			value: count(func(c *Config) *int32 { return &c.Kafka.Topics.Partitions }, 1<<31-1),
		},
		{
			name: "replication_factor", fallback: "-1", about: "Replicas of a topic that is created; -1: the broker's default.",
			value: count(func(c *Config) *int16 { return &c.Kafka.Topics.ReplicationFactor }, 1<<15-1),
		},
		{
			name: "config", fallback: "{}", about: "Settings of a topic that is created, such as retention.ms.",
			value: settings{at: func(c *Config) *map[string]string { return &c.Kafka.Topics.Config }},
		},
		{
			name: "allow", fallback: "[]", about: "Globs of topic names; when set, records of any other topic are rejected.",
			value: list{at: func(c *Config) *[]string { return &c.Kafka.Topics.Allow }, item: textRules{check: checkGlob}, kind: "globs"},
		},
		{
			name: "most", fallback: "1000",
			about: "How many topics rows may name, beside those that this file names; records of further ones are rejected. It bounds memory, and what `create` makes.",
			value: whole(func(c *Config) *int { return &c.Kafka.Topics.Most }, 1, mostTopics),
		},
		{
			name: "declare", fallback: "{}",
			about: "Topics as code, for `walpost topics`: names, each with `partitions`, `replication_factor` and `config` as above. What is left out is not judged where the topic is there, and is taken from the keys above where it is created, by `init` and `run` too.",
			value: declared{at: func(c *Config) *map[string]DeclaredTopic { return &c.Kafka.Topics.Declare }},
		},
	}
}

func tlsKeys() []key {
	file := func(name, about string, at func(*Config) *string) key {
		return key{name: name, fallback: `""`, about: about, value: text(at, textRules{check: checkFile, kind: "path"})}
	}
	return []key{
		file("ca", "PEM file of the authorities that the brokers' certificates are checked against; empty: those of the system.",
			func(c *Config) *string { return &c.Kafka.TLS.CA }),
		file("cert", "PEM file of the client certificate; goes with `key`.", func(c *Config) *string { return &c.Kafka.TLS.Cert }),
		file("key", "PEM file of the key of the client certificate.", func(c *Config) *string { return &c.Kafka.TLS.Key }),
		{
			name: "server_name", fallback: `""`, about: "Name that the brokers' certificates must carry; empty: the host of each broker.",
			value: text(func(c *Config) *string { return &c.Kafka.TLS.ServerName }, textRules{}),
		},
	}
}

func saslKeys() []key {
	return []key{
		{
			name: "mechanism", fallback: "SCRAM-SHA-512", about: "PLAIN and SCRAM take `username` and `password`, OAUTHBEARER takes `token`.",
			value: text(func(c *Config) *string { return &c.Kafka.SASL.Mechanism }, textRules{
				enum: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", oauthBearer},
			}),
		},
		{
			name: "username", fallback: `""`, about: "Name of the user, for PLAIN and SCRAM.",
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
