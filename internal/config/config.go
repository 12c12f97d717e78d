// Package config turns one YAML file into a Config: strict, every fault at once,
// each with its place.
//
// It knows files and environment variables. It must not know Postgres, Kafka or
// any other package of walpost.
package config

import (
	"maps"
	"path"
	"slices"
	"time"

	"github.com/walpost/walpost/internal/javaregex"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/topicname"
)

// Config is one relay: one Postgres database, one outbox table, one Kafka cluster.
type Config struct {
	// File is the path the configuration was read from.
	File string `yaml:"-"`

	Name            string        `yaml:"name"`
	Postgres        Postgres      `yaml:"postgres"`
	Outbox          Outbox        `yaml:"outbox"`
	Kafka           Kafka         `yaml:"kafka"`
	Delivery        Delivery      `yaml:"delivery"`
	Monitor         Monitor       `yaml:"monitor"`
	Admin           Admin         `yaml:"admin"`
	Log             Log           `yaml:"log"`
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
}

// Postgres says where the outbox is and under which slot it is read.
type Postgres struct {
	URL            Secret        `yaml:"url"`
	Password       Secret        `yaml:"password"`
	Slot           string        `yaml:"slot"`
	Publication    string        `yaml:"publication"`
	Create         bool          `yaml:"create"`
	Failover       bool          `yaml:"failover"`
	HibernateAfter time.Duration `yaml:"hibernate_after"`
}

// Outbox maps the columns of the outbox to the parts of a record.
type Outbox struct {
	Source  string             `yaml:"source"`  // table, message
	Table   pgname.Table       `yaml:"table"`   // of no meaning when Messages
	Prefix  string             `yaml:"prefix"`  // of no meaning but when Messages
	Writers string             `yaml:"writers"` // granted, any; of no meaning but when Messages
	Topic   topicname.Template `yaml:"topic"`
	// TopicRegex and TopicReplacement are applied to what Topic makes. Empty: that is the name.
	TopicRegex       string              `yaml:"topic_regex"`
	TopicReplacement string              `yaml:"topic_replacement"`
	TopicReplacer    *javaregex.Replacer `yaml:"-"` // of the two; nil: none

	ID             string   `yaml:"id"`
	Key            Key      `yaml:"key"`
	Value          string   `yaml:"value"`
	Timestamp      string   `yaml:"timestamp"`
	Partition      string   `yaml:"partition"`
	Headers        []Header `yaml:"headers"`
	MissingColumns string   `yaml:"missing_columns"` // error, ignore
	PositionHeader string   `yaml:"position_header"`
	Trace          string   `yaml:"trace"`
	CloudEvents    bool     `yaml:"cloudevents"`
	Filter         []Filter `yaml:"filter"` // empty: every row is an event
	Format         Format   `yaml:"format"`
	Prune          *Prune   `yaml:"prune"` // nil: nothing is deleted
}

// Prune says which confirmed rows the relay deletes from the table.
type Prune struct {
	After      time.Duration `yaml:"after"`       // 0: whatever is confirmed
	TimeColumn string        `yaml:"time_column"` // of the age
	Batch      int           `yaml:"batch"`
	Every      time.Duration `yaml:"every"`
	Partitions bool          `yaml:"drop_partitions"`
}

// Messages reports whether events are read from logical decoding messages: there is no table.
func (o *Outbox) Messages() bool { return o.Source == sourceMessage }

// AnyWriter reports whether every role of the database may write events.
func (o *Outbox) AnyWriter() bool { return o.Messages() && o.Writers == writersAny }

// Kafka says where records go.
type Kafka struct {
	Brokers         []string      `yaml:"brokers"`
	ClientID        string        `yaml:"client_id"`
	Compression     string        `yaml:"compression"` // none, gzip, snappy, lz4, zstd
	Linger          time.Duration `yaml:"linger"`
	MaxMessageBytes Size          `yaml:"max_message_bytes"`
	Topics          Topics        `yaml:"topics"`
	TLS             *TLS          `yaml:"tls"`  // nil: no TLS
	SASL            *SASL         `yaml:"sasl"` // nil: no SASL
}

// Topics says how missing topics are made and which may be written.
type Topics struct {
	Create            bool              `yaml:"create"`
	Partitions        int32             `yaml:"partitions"`         // -1: the broker's default
	ReplicationFactor int16             `yaml:"replication_factor"` // -1: the broker's default
	Config            map[string]string `yaml:"config"`
	Allow             []string          `yaml:"allow"` // globs; empty: every name
	Most              int               `yaml:"most"`  // topics that rows may name
	// Declare holds the topics that `walpost topics` compares with the cluster, by name.
	Declare map[string]DeclaredTopic `yaml:"declare"`
}

// DeclaredTopic is how a topic should be. What is left out is not judged, and a
// missing topic gets it from Topics.
type DeclaredTopic struct {
	Partitions        int32             `yaml:"partitions"`         // -1: left out
	ReplicationFactor int16             `yaml:"replication_factor"` // -1: left out
	Config            map[string]string `yaml:"config"`
}

// TLS holds paths of PEM files. Empty means the system's roots, no client certificate.
type TLS struct {
	CA         string `yaml:"ca"`
	Cert       string `yaml:"cert"`
	Key        string `yaml:"key"`
	ServerName string `yaml:"server_name"`
}

// SASL is how walpost authenticates to Kafka.
type SASL struct {
	Mechanism string `yaml:"mechanism"` // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	Username  string `yaml:"username"`
	Password  Secret `yaml:"password"`
	Token     Secret `yaml:"token"`
}

// Delivery is the promise, and what happens to a record Kafka can never accept.
type Delivery struct {
	Guarantee       string             `yaml:"guarantee"`        // at_least_once, exactly_once
	TransactionalID string             `yaml:"transactional_id"` // of exactly_once
	PositionTopic   string             `yaml:"position_topic"`   // of exactly_once
	InFlight        Size               `yaml:"in_flight"`
	OnReject        string             `yaml:"on_reject"` // stop, dead_letter, skip
	DeadLetter      topicname.Template `yaml:"dead_letter"`
}

// ExactlyOnce reports whether each event is visible exactly once.
func (d *Delivery) ExactlyOnce() bool { return d.Guarantee == exactlyOnce }

// Monitor names the consumer groups whose lag is measured.
type Monitor struct {
	ConsumerGroups []string `yaml:"consumer_groups"`
}

// Admin is the HTTP listener for health and metrics.
type Admin struct {
	Listen string   `yaml:"listen"` // "": off
	Hosts  []string `yaml:"hosts"`
}

// Log says how walpost logs.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // json, console
}

// CheckTopic returns an error when rows that lead to the topic are rejected because of its
// name: it is none, or that of a dead letter topic.
func (c *Config) CheckTopic(topic string) error {
	if err := topicname.Check(topic); err != nil {
		return err
	}
	return topicname.CheckRows(c.Outbox.Topic, c.Delivery.DeadLetter, topic)
}

// IsDeadLetterTopic reports whether a topic is for dead letters, of the relay or of
// consumers.
func (c *Config) IsDeadLetterTopic(topic string) bool {
	return topic != c.Outbox.OnlyTopic() && topicname.IsDeadLetter(c.Delivery.DeadLetter, topic)
}

// NamedTopics returns the topics that the file names and rows can lead to, sorted: that of
// all rows, or those in kafka.topics.declare that the template makes.
func (c *Config) NamedTopics() []string {
	if only := c.Outbox.OnlyTopic(); only != "" {
		return []string{only}
	}
	globs := c.Outbox.TopicGlobs()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.Kafka.Topics.Declare)) {
		covers := func(glob string) bool { ok, err := path.Match(glob, name); return ok && err == nil }
		if slices.ContainsFunc(globs, covers) && c.CheckTopic(name) == nil {
			names = append(names, name)
		}
	}
	return names
}

// DeclaredDeadLetterTopics returns the dead letter topics in kafka.topics.declare, sorted:
// of consumers, or of the relay.
func (c *Config) DeclaredDeadLetterTopics() []string {
	names := slices.Sorted(maps.Keys(c.Kafka.Topics.Declare))
	return slices.DeleteFunc(names, func(name string) bool { return !c.IsDeadLetterTopic(name) })
}

// DeadLetterTopics returns the topics of the dead letters of records that are for these
// topics, each once and without names that Kafka does not accept.
func (d *Delivery) DeadLetterTopics(topics []string) []string {
	if d.OnReject != onRejectDeadLetter {
		return nil
	}
	if len(d.DeadLetter.Columns()) == 0 {
		return []string{d.DeadLetter.String()}
	}
	var names []string
	for _, topic := range topics {
		if name := d.DeadLetter.Render(topic); topicname.Valid(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
