package relay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/router"
)

// The other packages take plain options; this file maps the configuration to
// them, for the relay and for the commands.

// Target is the database of a configuration.
func Target(cfg *config.Config) replication.Target {
	t := replication.Target{URL: cfg.Postgres.URL.Reveal, ApplicationName: "walpost " + cfg.Name}
	if !cfg.Postgres.Password.IsZero() {
		t.Password = cfg.Postgres.Password.Reveal
	}
	return t
}

// Table is the outbox table; zero when events are messages.
func Table(cfg *config.Config) replication.TableName {
	if cfg.Outbox.Messages() {
		return replication.TableName{}
	}
	return replication.TableName{Schema: cfg.Outbox.Table.Schema, Name: cfg.Outbox.Table.Name}
}

// Names are what a relay looks for in the database.
func Names(cfg *config.Config) replication.Names {
	return replication.Names{Table: Table(cfg), Publication: cfg.Postgres.Publication, Slot: cfg.Postgres.Slot}
}

// Columns are the columns the outbox needs.
func Columns(cfg *config.Config) replication.OutboxColumns {
	o := cfg.Outbox
	columns := replication.OutboxColumns{ID: o.ID, Key: o.Key, Value: o.Value, Timestamp: o.Timestamp, Partition: o.Partition, Topic: o.Topic.Columns()}
	for _, h := range o.Headers {
		columns.Headers = append(columns.Headers, h.Column)
	}
	return columns
}

// Kafka is the cluster of a configuration.
func Kafka(cfg *config.Config) kafka.Options {
	k := cfg.Kafka
	o := kafka.Options{
		Brokers: k.Brokers, ClientID: k.ClientID, Compression: k.Compression, MaxMessageBytes: int(k.MaxMessageBytes),
	}
	if k.TLS != nil {
		o.TLS = &kafka.TLS{CA: k.TLS.CA, Cert: k.TLS.Cert, Key: k.TLS.Key, ServerName: k.TLS.ServerName}
	}
	if k.SASL != nil {
		o.SASL = &kafka.SASL{
			Mechanism: k.SASL.Mechanism, Username: k.SASL.Username, Password: k.SASL.Password.Reveal, Token: k.SASL.Token.Reveal,
		}
	}
	return o
}

// TopicSpec is how a missing topic is made: as it is declared, and as all others
// where its declaration says nothing.
func TopicSpec(cfg *config.Config, name string) kafka.Spec {
	all := cfg.Kafka.Topics
	declared, ok := all.Declare[name]
	if !ok {
		return kafka.Spec{Name: name, Partitions: all.Partitions, ReplicationFactor: all.ReplicationFactor, Config: all.Config}
	}
	s := DeclaredTopic(name, declared)
	if s.Partitions < 0 {
		s.Partitions = all.Partitions
	}
	if s.ReplicationFactor < 0 {
		s.ReplicationFactor = all.ReplicationFactor
	}
	s.Config = maps.Clone(all.Config)
	maps.Copy(s.Config, declared.Config)
	return s
}

// DeclaredTopic is a topic as kafka.topics.declare has it; -1 is what it leaves out.
func DeclaredTopic(name string, t config.DeclaredTopic) kafka.Spec {
	return kafka.Spec{
		Name: name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Config: t.Config, Path: "kafka.topics.declare." + name,
	}
}

// Mapping is which column becomes which part of a record.
func Mapping(cfg *config.Config) router.Mapping {
	o := cfg.Outbox
	m := router.Mapping{
		Topic: parts(o.Topic), ID: o.ID, Key: o.Key, Value: o.Value, Timestamp: o.Timestamp, Partition: o.Partition,
		PositionHeader: o.PositionHeader, Allow: slices.Clone(cfg.Kafka.Topics.Allow), MaxBytes: int64(cfg.Kafka.MaxMessageBytes),
	}
	for _, h := range o.Headers {
		m.Headers = append(m.Headers, router.HeaderColumn{Name: h.Name, Column: h.Column})
	}
	return m
}

// DeadLetters makes the dead letters of a configuration.
func DeadLetters(cfg *config.Config) (*router.DeadLetters, error) {
	return router.NewDeadLetters(parts(cfg.Delivery.DeadLetter))
}

func parts(t config.Template) []router.Part {
	var out []router.Part
	for _, p := range t.Parts() {
		out = append(out, router.Part{Literal: p.Literal, Column: p.Column})
	}
	return out
}

func onReject(cfg *config.Config) producer.Policy {
	switch cfg.Delivery.OnReject {
	case "dead_letter":
		return producer.DeadLetter
	case "skip":
		return producer.Skip
	default:
		return producer.Stop
	}
}

func (r *Relay) producerOptions() (producer.Options, error) {
	return ProducerOptions(r.cfg, r.observer, r.log)
}

// ProducerOptions is the way to Kafka of a configuration. Progress is for the
// caller to set.
func ProducerOptions(cfg *config.Config, observer producer.Observer, log *zap.Logger) (producer.Options, error) {
	connection := Kafka(cfg)
	codec, err := kafka.Codec(cfg.Kafka.Compression)
	if err != nil {
		return producer.Options{}, err
	}
	letters, err := DeadLetters(cfg)
	if err != nil {
		return producer.Options{}, err
	}
	o := producer.Options{
		Brokers: cfg.Kafka.Brokers,
		Config:  func() (*sarama.Config, error) { return kafka.Settings(connection) },
		Codec:   codec, Linger: cfg.Kafka.Linger, Memory: int64(cfg.Delivery.InFlight),
		OnReject: onReject(cfg), TimestampFromColumn: cfg.Outbox.Timestamp != "",
		Bury:     bury(letters),
		Explain:  func(addr string, err error) error { return connection.ExplainAt("connect to Kafka", addr, err) },
		Observer: observer, Log: log,
	}
	o.MaxTopics = cfg.Kafka.Topics.Most
	o.Configured = func(topic string) bool { return configured(cfg, topic) }
	if cfg.Kafka.Topics.Create {
		o.Create = func(ctx context.Context, topics []string) []error { return createTopics(ctx, cfg, connection, topics) }
	}
	return o, nil
}

// configured reports whether the file names the topic: as the topic of all records or of
// all dead letters, in kafka.topics.declare, or without a wildcard in kafka.topics.allow.
func configured(cfg *config.Config, topic string) bool {
	for _, t := range []config.Template{cfg.Outbox.Topic, cfg.Delivery.DeadLetter} {
		if len(t.Columns()) == 0 && t.String() == topic {
			return true
		}
	}
	_, declared := cfg.Kafka.Topics.Declare[topic]
	return declared || slices.Contains(cfg.Kafka.Topics.Allow, topic)
}

// bury makes the dead letter of a record that Kafka refused.
func bury(letters *router.DeadLetters) func(*router.Record, producer.Rejected) (*router.Record, error) {
	return func(rec *router.Record, why producer.Rejected) (*router.Record, error) {
		rejection := &router.Rejection{Reason: why.Reason, ID: why.ID, Topic: why.Topic, Text: why.Text}
		return letters.Record(rec, rejection, why.Position, time.Now())
	}
}

func createTopics(ctx context.Context, cfg *config.Config, connection kafka.Options, topics []string) []error {
	specs, errs := make([]kafka.Spec, len(topics)), make([]error, len(topics))
	for i, topic := range topics {
		specs[i] = TopicSpec(cfg, topic)
	}
	admin, err := kafka.Connect(ctx, connection)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	defer admin.Close()
	for i, err := range admin.CreateAll(ctx, specs) {
		errs[i] = createError(err)
	}
	return errs
}

// createError says what the producer is to make of a topic that could not be created.
func createError(err error) error {
	e, ok := errors.AsType[*kafka.Error](err)
	if !ok {
		return err
	}
	switch e.Kind {
	case kafka.InvalidTopic, kafka.PolicyViolation:
		return &producer.CreateError{Kind: producer.NameRefused, Err: err}
	case kafka.InvalidConfig, kafka.InvalidPartitions, kafka.InvalidReplication, kafka.TooOld:
		return &producer.CreateError{Kind: producer.SettingsRefused, Err: err}
	case kafka.Denied:
		return &producer.CreateError{Kind: producer.RightMissing, Err: err}
	default:
		return err
	}
}
