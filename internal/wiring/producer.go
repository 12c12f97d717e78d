package wiring

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/producer/creation"
	"github.com/walpost/walpost/internal/record"
)

// OnReject is what becomes of a record that can never be published.
func OnReject(cfg *config.Config) record.RejectPolicy {
	switch cfg.Delivery.OnReject {
	case "dead_letter":
		return record.RejectDeadLetter
	case "skip":
		return record.RejectSkip
	default:
		return record.RejectStop
	}
}

// RejectHint is what another delivery.on_reject would change.
func RejectHint(policy record.RejectPolicy) string {
	switch policy {
	case record.RejectSkip:
		return ""
	case record.RejectDeadLetter:
		return "; or let delivery.dead_letter name one topic that takes all dead letters, or set delivery.on_reject to skip"
	default:
		return "; or set delivery.on_reject to dead_letter or skip"
	}
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
		OnReject: OnReject(cfg), TimestampFromColumn: cfg.Outbox.Timestamp != "",
		DeadLetterOf: deadLetterOf(letters),
		Explain:      func(addr string, err error) error { return connection.ExplainAt("connect to Kafka", addr, err) },
		Observer:     observer, Log: log,
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
	if topic == cfg.Delivery.PositionTopic && cfg.Delivery.ExactlyOnce() {
		return true
	}
	letter := cfg.Delivery.DeadLetter
	if topic == cfg.Outbox.OnlyTopic() || len(letter.Columns()) == 0 && topic == letter.String() {
		return true
	}
	_, declared := cfg.Kafka.Topics.Declare[topic]
	return declared || slices.Contains(cfg.Kafka.Topics.Allow, topic)
}

// deadLetterOf returns the dead letter of a record that Kafka refused.
func deadLetterOf(letters *record.DeadLetters) func(*record.Record, *record.Rejection, record.Position) (*record.Record, error) {
	return func(rec *record.Record, why *record.Rejection, at record.Position) (*record.Record, error) {
		return letters.Record(rec, why, at, time.Now())
	}
}

func createTopics(ctx context.Context, cfg *config.Config, connection kafka.Options, names []string) []error {
	specs, errs := make([]topics.Spec, len(names)), make([]error, len(names))
	for i, topic := range names {
		specs[i] = TopicSpec(cfg, topic)
	}
	admin, err := topics.OpenAdmin(ctx, connection)
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
		return &creation.Error{Kind: creation.NameRefused, Err: err}
	case kafka.InvalidConfig, kafka.InvalidPartitions, kafka.InvalidReplication, kafka.TooOld:
		return &creation.Error{Kind: creation.SettingsRefused, Err: err}
	case kafka.Denied:
		return &creation.Error{Kind: creation.RightMissing, Err: err}
	default:
		return err
	}
}
