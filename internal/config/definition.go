package config

import (
	"regexp"
	"slices"
	"time"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/topicname"
)

// What a text must match. The schema shows the same expressions.
var (
	kafkaNamePattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	namePattern      = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	slotPattern      = regexp.MustCompile(`^[a-z0-9_]{1,63}$`) // Postgres: ReplicationSlotValidateName
	clientIDPattern  = regexp.MustCompile(`^[!-~]+$`)
	notEmptyPattern  = regexp.MustCompile(`^.`)
	textPattern      = regexp.MustCompile(`^[^\x00]*$`)
	noNULPattern     = regexp.MustCompile(`^[^\x00]+$`)

	hostPortPattern = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+(%[^\]\s]+)?\]|[^\s:/@,\[\]]+):[0-9]{1,5}$`)
	hostsPattern    = regexp.MustCompile(`^[a-zA-Z0-9._*-]+$`)
	listenPattern   = regexp.MustCompile(`^$|^(\[[0-9a-fA-F:.]*(%[^\]\s]+)?\]|[^\s:/@,\[\]]*):[0-9]{1,5}$`)
)

// What only the schema knows of templates.
const (
	topicPattern      = `^([a-zA-Z0-9._-]|\{[^{}]+\})+$`
	deadLetterPattern = `^([a-zA-Z0-9._-]|\{topic\})+$`
)

// maxMessage is below the largest request a broker takes by default
// (socket.request.max.bytes, 100 MiB).
const maxMessage = 90 * MiB

// maxPruned keeps the arrays of one statement small.
const maxPruned = 100_000

// minInFlight leaves room for batches worth sending.
const minInFlight = 64 * KiB

// maxTopics bounds kafka.topics.most: each topic costs memory.
const maxTopics = 100_000

// definition is the whole configuration: each key once, in the order of the page.
func definition() key {
	return key{keys: []key{
		nameKey(),
		{name: "postgres", about: "The database and the slot to read from.", keys: postgresKeys()},
		{name: "outbox", about: "Where events are, and which column becomes which part of a record.", keys: outboxKeys()},
		{name: "kafka", about: "The cluster to write to.", keys: kafkaKeys()},
		{name: "delivery", about: "The delivery guarantee, and what happens to records that Kafka can never accept.", keys: deliveryKeys()},
		{name: "monitor", about: "What is measured in addition to the relay.", keys: monitorKeys()},
		{name: "admin", about: "The HTTP server of the process.", keys: adminKeys()},
		{name: "log", about: "What is logged, and how.", keys: logKeys()},
		{
			name: "shutdown_timeout", fallback: "30s",
			about: "How long a planned stop may wait until everything that was read is acknowledged and confirmed.",
			value: duration(func(c *Config) *time.Duration { return &c.ShutdownTimeout }, false),
		},
	}}
}

func nameKey() key {
	return key{
		name: "name", required: true,
		about: "Name of the relay. It is a label of logs and metrics, and the default for slot, publication and client id.",
		value: text(func(c *Config) *string { return &c.Name }, textRules{
			pattern: namePattern, want: "a small letter and up to 39 more of a-z, 0-9 and _",
		}),
	}
}

func monitorKeys() []key {
	return []key{{
		name: "consumer_groups", fallback: "[]",
		about: "Globs of the consumer groups whose lag is measured, on the topics that the relay writes.",
		value: list{
			at: func(c *Config) *[]string { return &c.Monitor.ConsumerGroups }, item: textRules{check: checkGlob}, kind: "globs",
		},
	}}
}

func logKeys() []key {
	return []key{
		{
			name: "level", fallback: "info", about: "Minimum level to log. SIGHUP reads it again.",
			value: text(func(c *Config) *string { return &c.Log.Level }, textRules{enum: []string{"debug", "info", "warn", "error"}}),
		},
		{
			name: "format", fallback: "json", about: "JSON lines, or text for people.",
			value: text(func(c *Config) *string { return &c.Log.Format }, textRules{enum: []string{"json", "console"}}),
		},
	}
}

func postgresKeys() []key { return slices.Concat(accessKeys(), slotKeys()) }

// accessKeys are how to come to the database.
func accessKeys() []key {
	return []key{
		{
			name: "url", required: true,
			about: "libpq URL of the database. With several hosts, walpost connects to the primary. A password in it is a secret.",
			value: secretValue{
				at: func(c *Config) *Secret { return &c.Postgres.URL }, check: checkURL, mask: maskURL, kind: "URL",
				form: schema{"type": "string", "pattern": postgresURLPattern},
			},
		},
		{
			name: "password", fallback: `""`,
			about: "Password, if it is neither in the URL nor in PGPASSWORD or ~/.pgpass. Read again at each connect.",
			value: secretValue{at: func(c *Config) *Secret { return &c.Postgres.Password }, kind: "secret"},
		},
	}
}

// slotKeys are slot and publication, and how they are made and held.
func slotKeys() []key {
	return []key{
		{
			name: "slot", derived: "walpost_<name>", derive: func(c *Config) { c.Postgres.Slot = "walpost_" + c.Name },
			about: "Replication slot to read from. An existing slot is used as it is, also that of a stopped Debezium connector.",
			value: text(func(c *Config) *string { return &c.Postgres.Slot }, textRules{
				pattern: slotPattern, want: "1 to 63 of a-z, 0-9 and _",
			}),
		},
		{
			name: "publication", derived: "walpost_<name>", derive: func(c *Config) { c.Postgres.Publication = "walpost_" + c.Name },
			about: "Publication that contains the outbox table. Write the name as Postgres shows it.",
			value: text(func(c *Config) *string { return &c.Postgres.Publication }, textRules{
				pattern: noNULPattern, want: "the name of a publication, 1 to 63 bytes", check: checkPublication,
			}),
		},
		{
			name: "create", fallback: "true",
			about: "Whether `run` creates publication and slot if neither exists. If only the publication exists, `walpost init` " +
				"creates the slot.",
			value: boolean(func(c *Config) *bool { return &c.Postgres.Create }),
		},
		{
			name: "failover", fallback: "false",
			about: "Create the slot as a failover slot (Postgres 17 and later).",
			value: boolean(func(c *Config) *bool { return &c.Postgres.Failover }),
		},
		{
			name: "hibernate_after", fallback: "60s",
			about: "After Kafka has been unavailable for this long, disconnect from Postgres, so that a shutdown of Postgres is " +
				"not delayed.",
			value: duration(func(c *Config) *time.Duration { return &c.Postgres.HibernateAfter }, false),
		},
	}
}

func outboxKeys() []key {
	return slices.Concat(sourceKeys(), recordKeys(), []key{formatKey(), pruneKey()})
}

// sourceKeys are where events are written.
func sourceKeys() []key {
	return []key{
		{
			name: "source", fallback: sourceTable,
			about: "Where services write events: into a `table`, or without a table as a `message` of pg_logical_emit_message, " +
				"whose JSON keys are the columns below.",
			value: text(func(c *Config) *string { return &c.Outbox.Source }, textRules{enum: []string{sourceTable, sourceMessage}}),
		},
		{
			name: "table", fallback: "public.outbox",
			present: func(c *Config) bool { return !c.Outbox.Messages() },
			about: "The outbox table. Put names with capitals or spaces in double quotes, inside single quotes: `'\"My " +
				"Schema\".\"Outbox\"'`.",
			value: table(func(c *Config) *pgname.Table { return &c.Outbox.Table }),
		},
		{
			name: "prefix", fallback: "outbox",
			present: func(c *Config) bool { return c.Outbox.Messages() },
			about:   "Prefix of the messages that are events, with `source: message`. Other messages are ignored.",
			value: text(func(c *Config) *string { return &c.Outbox.Prefix }, textRules{
				pattern: noNULPattern, want: "the prefix of the messages", kind: "text",
			}),
		},
		{
			name: "writers", fallback: writersGranted,
			present: func(c *Config) bool { return c.Outbox.Messages() },
			about: "Who may write events, with `source: message`. granted: roles with EXECUTE on pg_logical_emit_message, which " +
				"must be revoked from PUBLIC. any: every role of the database, for services where nobody can revoke it.",
			value: text(func(c *Config) *string { return &c.Outbox.Writers }, textRules{enum: []string{writersGranted, writersAny}}),
		},
	}
}

// recordKeys are what becomes of an event.
func recordKeys() []key {
	return []key{
		{
			name: "topic", fallback: "outbox.event.{aggregatetype}",
			about: "Topic of the record, with columns in braces.",
			value: template(func(c *Config) *topicname.Template { return &c.Outbox.Topic }, topicPattern, checkTopic),
		},
		{
			name: "topic_regex", fallback: `""`,
			about: "Regular expression in Java's syntax, as Debezium's `route.topic.regex`, over the text that `topic` makes. " +
				"If it matches the whole text, `topic_replacement` makes the name. Otherwise that text is the name. " +
				"See debezium.md for what is refused. Empty: none.",
			value: verbatim(func(c *Config) *string { return &c.Outbox.TopicRegex }),
		},
		{
			name: "topic_replacement", fallback: `""`,
			about: "Replacement in Java's syntax: `$1`, `${name}` of the group `(?<name>…)`, `\\` before a character that is meant. " +
				"In these two keys `${name}` is no reference to a variable.",
			value: verbatim(func(c *Config) *string { return &c.Outbox.TopicReplacement }),
		},
		requiredColumn("id", "id", "Column of the `id` header, by which consumers recognise a repeat. Best a UUID: an id that comes a "+
			"second time, as a `bigserial` of two tables, may be dropped as a repeat.", func(c *Config) *string { return &c.Outbox.ID }),
		recordKeyKey(),
		requiredColumn("value", "payload", "Column of the record value.", func(c *Config) *string { return &c.Outbox.Value }),
		column("timestamp", "Column of the record timestamp. Empty: commit time of the transaction.",
			func(c *Config) *string { return &c.Outbox.Timestamp }),
		column("partition", "Integer column of the partition. Empty: murmur2 of the key, as in Kafka's Java client.",
			func(c *Config) *string { return &c.Outbox.Partition }),
		{
			name: "headers", fallback: "{eventType: type}",
			about: "Record headers and the columns of their values, in this order, after `id`. {}: only `id`. `{constant: TEXT}` " +
				"instead of a column: the same value in every record. `\"*\": {json: COLUMN}`: a header for each member of the JSON " +
				"object in the column, in its order.",
			value: headers{at: func(c *Config) *[]Header { return &c.Outbox.Headers }},
		},
		missingColumnsKey(),
		{
			name: "position_header", fallback: `""`,
			about: "Name of a header with the position of the row: 16 hexadecimal digits of the commit LSN, /, 8 of the ordinal in " +
				"the transaction. The position rises strictly within a slot and timeline. Empty: no such header.",
			value: text(func(c *Config) *string { return &c.Outbox.PositionHeader }, textRules{kind: "header name"}),
		},
		column("trace", "Column of the trace context, which becomes the headers `traceparent` and `tracestate`: a W3C traceparent, "+
			"Debezium's `tracingspancontext`, or a JSON object. Empty: no such headers.",
			func(c *Config) *string { return &c.Outbox.Trace }),
		cloudEventsKey(),
		filterKey(),
	}
}

func cloudEventsKey() key {
	return key{
		name: "cloudevents", fallback: "false",
		about: "Make each record an event of CloudEvents 1.0 in binary content mode: headers `ce_id`, `ce_type`, `ce_source`, " +
			"`ce_time` and others, after all other headers. See debezium.md.",
		value: boolean(func(c *Config) *bool { return &c.Outbox.CloudEvents }),
	}
}

func recordKeyKey() key {
	return key{
		name: "key", fallback: "aggregateid",
		about: "Column of the record key. A list `[COLUMN, COLUMN]`: the texts of the columns as a JSON array. `{json: COLUMN, " +
			"member: NAME}`: a member of the JSON object in the column. Empty: no key, and records are spread over the partitions.",
		value: recordKey{at: func(c *Config) *Key { return &c.Outbox.Key }},
	}
}

// column is a key with the name of a column, or nothing.
func column(name, about string, at func(*Config) *string) key {
	return key{name: name, fallback: `""`, about: about, value: text(at, textRules{check: checkOptionalColumn, kind: "column"})}
}

// requiredColumn is a key with the name of a column.
func requiredColumn(name, fallback, about string, at func(*Config) *string) key {
	return key{name: name, fallback: fallback, about: about, value: text(at, textRules{
		pattern: notEmptyPattern, want: "the name of a column", check: checkColumn, kind: "column",
	})}
}

func pruneKey() key {
	return key{
		name: "prune", about: "Deletes rows that the slot has confirmed. The section turns pruning on; {} deletes every " +
			"confirmed row. Rows that were written before their table was published stay. Rows that were written after the " +
			"publication was created and before the slot existed are deleted, although they are not published.",
		keys:    pruneKeys(),
		open:    func(c *Config) { c.Outbox.Prune = &Prune{} },
		present: func(c *Config) bool { return c.Outbox.Prune != nil },
	}
}

func pruneKeys() []key {
	return []key{
		{
			name: "after", fallback: "0s",
			about: "Minimum age of a row to delete, by `time_column`. Keep what `walpost recover` may still need. 0s: any age.",
			value: duration(func(c *Config) *time.Duration { return &c.Outbox.Prune.After }, true),
		},
		{
			name: "time_column", fallback: `""`, about: "Column with the time at which a row was written, of type timestamptz or " +
				"timestamp. Empty: that of `outbox.timestamp`.",
			value: text(func(c *Config) *string { return &c.Outbox.Prune.TimeColumn },
				textRules{check: checkOptionalColumn, kind: "column"}),
		},
		{
			name: "batch", fallback: "5000", about: "Maximum number of rows that one statement deletes.",
			value: whole(func(c *Config) *int { return &c.Outbox.Prune.Batch }, 1, maxPruned),
		},
		{
			name: "every", fallback: "1m", about: "Time between two rounds. A round deletes all such rows, batch after batch.",
			value: duration(func(c *Config) *time.Duration { return &c.Outbox.Prune.Every }, false),
		},
		{
			name: "drop_partitions", fallback: "false",
			about: "Drop partitions by time that are entirely older than `after`, and delete rows only in the default partition. " +
				"walpost's role must own the partitions.",
			value: boolean(func(c *Config) *bool { return &c.Outbox.Prune.Partitions }),
		},
	}
}

func adminKeys() []key {
	return []key{
		{
			name: "listen", fallback: "127.0.0.1:9464",
			about: "Address of /metrics, /healthz, /readyz, /status and the status page at /. Empty turns the server off. There is " +
				"one per process: several files must agree or leave it out.",
			value: text(func(c *Config) *string { return &c.Admin.Listen }, textRules{
				pattern: listenPattern, want: "host:port like 127.0.0.1:9464, :9464 for every address, or empty for none",
				check: checkListen, kind: "host:port",
			}),
		},
		{
			name: "hosts", fallback: "[]",
			about: "Additional host names that requests may use, such as those that Prometheus or a proxy uses, with * for any " +
				"characters. IP addresses, localhost and the name of the machine are always accepted. If the server listens on " +
				"more than loopback, so are names without a dot and private names (.svc, .local, .internal). Any other name is " +
				"answered with 421, against DNS rebinding. [\"*\"] accepts every name. The names of several files are combined.",
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
			about: "at_least_once may repeat what was in flight at a crash. exactly_once writes events and the relay's position in one " +
				"Kafka transaction: a consumer with isolation.level=read_committed sees each event once. See delivery.md before you " +
				"change it.",
			value: text(func(c *Config) *string { return &c.Delivery.Guarantee }, textRules{enum: []string{"at_least_once", exactlyOnce}}),
		},
		{
			name: "transactional_id", derived: "walpost-<name>",
			derive: func(c *Config) { c.Delivery.TransactionalID = "walpost-" + c.Name },
			about: "transactional.id of exactly_once, and key of the position. One for each slot: a relay that begins ends every other " +
				"one with the same id.",
			value: text(func(c *Config) *string { return &c.Delivery.TransactionalID }, textRules{
				pattern: kafkaNamePattern, want: "up to 249 of a-z, A-Z, 0-9, . _ and -",
			}),
		},
		{
			name: "position_topic", fallback: "walpost_positions",
			about: "Topic of exactly_once for the positions of relays: one partition, compacted. Several relays may share it. " +
				"`walpost init` creates it.",
			value: text(func(c *Config) *string { return &c.Delivery.PositionTopic },
				textRules{pattern: kafkaNamePattern, want: "up to 249 of a-z, A-Z, 0-9, . _ and -", check: topicname.Check}),
		},
		{
			name: "in_flight", fallback: "16MiB",
			about: "Memory for what is read and not yet acknowledged by Kafka, including overhead per record. Reading pauses at " +
				"the limit. A larger record is sent alone. Minimum 64KiB.",
			value: size(func(c *Config) *Size { return &c.Delivery.InFlight }, minInFlight, 1<<20*GiB),
		},
		{
			name: "on_reject", fallback: "stop",
			about: "What happens to a record that Kafka can never accept. stop: halt with exit code 4. dead_letter: publish it to " +
				"`dead_letter`. skip: continue without it. Each such record is logged.",
			value: text(func(c *Config) *string { return &c.Delivery.OnReject },
				textRules{enum: []string{"stop", onRejectDeadLetter, "skip"}}),
		},
		{
			name: "dead_letter", fallback: `"` + dlt.DefaultTopic + `"`,
			about: "Topic of dead letters; {topic} is the topic of the record. A name without {topic} is one topic for all. " +
				"`kafka.topics.allow` does not apply to it, and no row may name it.",
			value: template(func(c *Config) *topicname.Template { return &c.Delivery.DeadLetter }, deadLetterPattern, checkDeadLetter),
		},
	}
}
