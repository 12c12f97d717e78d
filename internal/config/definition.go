package config

import (
	"time"

	"github.com/walpost/walpost/internal/topicname"
)

const (
	namePattern     = `^[a-z][a-z0-9_]{0,39}$`
	slotPattern     = `^[a-z0-9_]{1,63}$` // Postgres: ReplicationSlotValidateName
	clientIDPattern = `^[!-~]+$`

	hostPortPattern = `^(\[[0-9a-fA-F:.]+(%[^\]\s]+)?\]|[^\s:/@,\[\]]+):[0-9]{1,5}$`
	hostsPattern    = `^[a-zA-Z0-9._*-]+$`
	listenPattern   = `^$|^(\[[0-9a-fA-F:.]*(%[^\]\s]+)?\]|[^\s:/@,\[\]]*):[0-9]{1,5}$`

	topicPattern      = `^([a-zA-Z0-9._-]|\{[^{}]+\})+$`
	deadLetterPattern = `^([a-zA-Z0-9._-]|\{topic\})+$`
)

// maxMessage is below the largest request a broker takes by default
// (socket.request.max.bytes, 100 MiB).
const maxMessage = 90 * MiB

// mostPruned keeps the arrays of one statement small.
const mostPruned = 100_000

// leastInFlight leaves room for batches worth sending.
const leastInFlight = 64 * KiB

// mostTopics bounds kafka.topics.most: each topic costs memory.
const mostTopics = 100_000

// definition is the whole configuration: each key once, in the order of the page.
func definition() key {
	return key{keys: []key{
		{
			name: "name", required: true,
			about: "Name of the relay: label in logs and metrics, default for slot, publication and client id.",
			value: text(func(c *Config) *string { return &c.Name }, textRules{
				pattern: namePattern, want: "a small letter and up to 39 more of a-z, 0-9 and _",
			}),
		},
		{name: "postgres", about: "The database and the slot that is read.", keys: postgresKeys()},
		{name: "outbox", about: "Where events are, and which of their columns become which parts of a record.", keys: outboxKeys()},
		{name: "kafka", about: "The cluster that is written to.", keys: kafkaKeys()},
		{name: "delivery", about: "The promise, and what happens to records that Kafka can never accept.", keys: deliveryKeys()},
		{name: "monitor", about: "What is measured beside the relay itself.", keys: []key{{
			name: "consumer_groups", fallback: "[]",
			about: "Globs of the consumer groups whose lag on the topics written is measured.",
			value: list{at: func(c *Config) *[]string { return &c.Monitor.ConsumerGroups }, item: textRules{check: checkGlob}, kind: "globs"},
		}}},
		{name: "admin", about: "The HTTP listener of the process.", keys: adminKeys()},
		{name: "log", about: "What is logged, and how.", keys: []key{
			{
				name: "level", fallback: "info", about: "The least level that is logged. SIGHUP reads it again.",
				value: text(func(c *Config) *string { return &c.Log.Level }, textRules{enum: []string{"debug", "info", "warn", "error"}}),
			},
			{
				name: "format", fallback: "json", about: "Lines of JSON, or of text for people.",
				value: text(func(c *Config) *string { return &c.Log.Format }, textRules{enum: []string{"json", "console"}}),
			},
		}},
		{
			name: "shutdown_timeout", fallback: "30s",
			about: "How long a planned stop may take to have everything it has read acknowledged and confirmed.",
			value: duration(func(c *Config) *time.Duration { return &c.ShutdownTimeout }, false),
		},
	}}
}

func postgresKeys() []key {
	return []key{
		{
			name: "url", required: true,
			about: "libpq URL of the database; among several hosts the primary is looked for. Secret as far as it holds a password.",
			value: secretValue{
				at: func(c *Config) *Secret { return &c.Postgres.URL }, check: checkURL, mask: maskURL, kind: "URL",
				form: schema{"type": "string", "pattern": postgresURLPattern},
			},
		},
		{
			name: "password", fallback: `""`,
			about: "Password, when it is neither in the URL nor in PGPASSWORD or ~/.pgpass. Read again at each connect.",
			value: secretValue{at: func(c *Config) *Secret { return &c.Postgres.Password }, kind: "secret"},
		},
		{
			name: "slot", derived: "walpost_<name>", derive: func(c *Config) { c.Postgres.Slot = "walpost_" + c.Name },
			about: "Replication slot that is read. One that exists is taken over as it is, also from a stopped Debezium connector.",
			value: text(func(c *Config) *string { return &c.Postgres.Slot }, textRules{
				pattern: slotPattern, want: "1 to 63 of a-z, 0-9 and _",
			}),
		},
		{
			name: "publication", derived: "walpost_<name>", derive: func(c *Config) { c.Postgres.Publication = "walpost_" + c.Name },
			about: "Publication that holds the outbox table, named as Postgres shows it.",
			value: text(func(c *Config) *string { return &c.Postgres.Publication }, textRules{
				pattern: `^[^\x00]+$`, want: "the name of a publication, 1 to 63 bytes", check: checkPublication,
			}),
		},
		{
			name: "create", fallback: "true",
			about: "Whether `run` creates publication and slot when neither exists. A publication without its slot is left to `walpost init`.",
			value: boolean(func(c *Config) *bool { return &c.Postgres.Create }),
		},
		{
			name: "failover", fallback: "false",
			about: "Create the slot as a failover slot (Postgres 17 and later).",
			value: boolean(func(c *Config) *bool { return &c.Postgres.Failover }),
		},
		{
			name: "hibernate_after", fallback: "60s",
			about: "With Kafka away for so long, disconnect from Postgres, so that its shutdown is not held up.",
			value: duration(func(c *Config) *time.Duration { return &c.Postgres.HibernateAfter }, false),
		},
	}
}

func outboxKeys() []key {
	column := func(name, fallback, about string, at func(*Config) *string) key {
		return key{name: name, fallback: fallback, about: about, value: text(at, textRules{check: checkOptionalColumn, kind: "column"})}
	}
	requiredColumn := func(name, fallback, about string, at func(*Config) *string) key {
		return key{name: name, fallback: fallback, about: about, value: text(at, textRules{
			pattern: `^.`, want: "the name of a column", check: checkColumn, kind: "column",
		})}
	}
	return []key{
		{
			name: "source", fallback: sourceTable,
			about: "Where events are written: `table`, or `message` for pg_logical_emit_message without a table, whose JSON names the columns below.",
			value: text(func(c *Config) *string { return &c.Outbox.Source }, textRules{enum: []string{sourceTable, sourceMessage}}),
		},
		{
			name: "table", fallback: "public.outbox",
			present: func(c *Config) bool { return !c.Outbox.Messages() },
			about:   "The outbox table. Names with capitals or blanks go in double quotes inside single ones: `'\"My Schema\".\"Outbox\"'`.",
			value:   table(func(c *Config) *Table { return &c.Outbox.Table }),
		},
		{
			name: "prefix", fallback: "outbox",
			present: func(c *Config) bool { return c.Outbox.Messages() },
			about:   "Prefix of the messages that are events, with `source: message`. Others are ignored.",
			value: text(func(c *Config) *string { return &c.Outbox.Prefix }, textRules{
				pattern: `^[^\x00]+$`, want: "the prefix of the messages", kind: "text",
			}),
		},
		{
			name: "writers", fallback: writersGranted,
			present: func(c *Config) bool { return c.Outbox.Messages() },
			about:   "Who may write events, with `source: message`. granted: the roles with EXECUTE on pg_logical_emit_message, which must be revoked from PUBLIC. any: every role of the database, where a service lets nobody revoke it.",
			value:   text(func(c *Config) *string { return &c.Outbox.Writers }, textRules{enum: []string{writersGranted, writersAny}}),
		},
		{
			name: "topic", fallback: "outbox.event.{aggregatetype}",
			about: "Topic of a record, with columns in braces.",
			value: template(func(c *Config) *topicname.Template { return &c.Outbox.Topic }, topicPattern, checkTopic),
		},
		requiredColumn("id", "id", "Column of the `id` header.", func(c *Config) *string { return &c.Outbox.ID }),
		column("key", "aggregateid", "Column of the record key; empty: no key, and records are spread over the partitions.", func(c *Config) *string { return &c.Outbox.Key }),
		requiredColumn("value", "payload", "Column of the record value.", func(c *Config) *string { return &c.Outbox.Value }),
		column("timestamp", `""`, "Column of the record timestamp; empty: commit time of the transaction.", func(c *Config) *string { return &c.Outbox.Timestamp }),
		column("partition", `""`, "Integer column of the partition; empty: murmur2 of the key, as Kafka's Java client.", func(c *Config) *string { return &c.Outbox.Partition }),
		{
			name: "headers", fallback: "{eventType: type}",
			about: "Record headers and the columns of their values, in this order, after `id`; {}: `id` alone.",
			value: headers{at: func(c *Config) *[]Header { return &c.Outbox.Headers }},
		},
		{
			name: "position_header", fallback: `""`,
			about: "Name of a header with the position of the row: 16 hexadecimal digits of the commit LSN, /, 8 of the ordinal in the transaction. It rises strictly within a slot and timeline; empty: none.",
			value: text(func(c *Config) *string { return &c.Outbox.PositionHeader }, textRules{kind: "header name"}),
		},
		{
			name: "prune", about: "Delete rows that the slot has confirmed. The section turns it on: {} deletes whatever is confirmed. Rows from before their table was published stay; those written between publication and slot count as confirmed.",
			keys:    pruneKeys(),
			open:    func(c *Config) { c.Outbox.Prune = &Prune{} },
			present: func(c *Config) bool { return c.Outbox.Prune != nil },
		},
	}
}

func pruneKeys() []key {
	return []key{
		{
			name: "after", fallback: "0s",
			about: "How old a row must be, by `time_column`: what `walpost recover` may still need. 0s: any age.",
			value: duration(func(c *Config) *time.Duration { return &c.Outbox.Prune.After }, true),
		},
		{
			name: "time_column", fallback: `""`, about: "Column with the time a row was written, of type timestamptz or timestamp; empty: that of `outbox.timestamp`.",
			value: text(func(c *Config) *string { return &c.Outbox.Prune.TimeColumn }, textRules{check: checkOptionalColumn, kind: "column"}),
		},
		{
			name: "batch", fallback: "5000", about: "Rows that one statement deletes, at most.",
			value: whole(func(c *Config) *int { return &c.Outbox.Prune.Batch }, 1, mostPruned),
		},
		{
			name: "every", fallback: "1m", about: "Time between two rounds. A round deletes all there is, batch after batch.",
			value: duration(func(c *Config) *time.Duration { return &c.Outbox.Prune.Every }, false),
		},
		{
			name: "drop_partitions", fallback: "false",
			about: "Drop partitions by time that lie wholly further back than `after`, and delete rows of the default partition only. walpost's role must own them.",
			value: boolean(func(c *Config) *bool { return &c.Outbox.Prune.Partitions }),
		},
	}
}

func adminKeys() []key {
	return []key{
		{
			name: "listen", fallback: "127.0.0.1:9464",
			about: "Address of /metrics, /healthz, /readyz, /status and the page for people at /; empty turns it off. One per process: several files must agree or leave it out.",
			value: text(func(c *Config) *string { return &c.Admin.Listen }, textRules{
				pattern: listenPattern, want: "host:port like 127.0.0.1:9464, :9464 for every address, or empty for none", check: checkListen, kind: "host:port",
			}),
		},
		{
			name: "hosts", fallback: "[]",
			about: "Host names, with * for any characters, under which it is asked by Prometheus or through a proxy. Addresses, localhost and the name of the machine need none of it; nor do, on other listeners than loopback, names without a dot and private ones (.svc, .local, .internal). Under any other name it answers 421: a page of a stranger could lead its own name here. [\"*\"]: under every name. Those of several files count together.",
			value: list{at: func(c *Config) *[]string { return &c.Admin.Hosts }, item: textRules{
				pattern: hostsPattern, want: "a host name like walpost.example.com, with * for any characters, without scheme and port",
			}, kind: "host names"},
		},
	}
}

func deliveryKeys() []key {
	return []key{
		{
			name: "guarantee", fallback: "at_least_once",
			about: "at_least_once may repeat what was in flight at a crash. exactly_once is not available yet.",
			value: text(func(c *Config) *string { return &c.Delivery.Guarantee }, textRules{
				enum: []string{"at_least_once", exactlyOnce}, check: checkGuarantee,
			}),
		},
		{
			name: "in_flight", fallback: "16MiB",
			about: "Memory of what is read and not yet acknowledged by Kafka, overhead per record included; reading pauses at the limit. A larger record passes alone. At least 64KiB.",
			value: size(func(c *Config) *Size { return &c.Delivery.InFlight }, leastInFlight, 1<<20*GiB),
		},
		{
			name: "on_reject", fallback: "stop",
			about: "What happens to a record that Kafka can never accept. stop: halt with exit code 4. dead_letter: publish it to `dead_letter`. skip: go on without it. Each is logged.",
			value: text(func(c *Config) *string { return &c.Delivery.OnReject }, textRules{enum: []string{"stop", onRejectDeadLetter, "skip"}}),
		},
		{
			name: "dead_letter", fallback: `"{topic}.DLT"`,
			about: "Topic of dead letters, from the topic of the record; a name without {topic} takes all. `kafka.topics.allow` does not apply to it.",
			value: template(func(c *Config) *topicname.Template { return &c.Delivery.DeadLetter }, deadLetterPattern, checkDeadLetter),
		},
	}
}
