package wiring

import (
	"slices"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/debezium"
)

// Mapping is which column becomes which part of a record.
func Mapping(cfg *config.Config) router.Mapping {
	o := cfg.Outbox
	m := router.Mapping{
		Topic: slices.Clone(o.Topic), TopicRegex: o.TopicRegex, Replacement: o.TopicReplacement,
		ID: o.ID, Key: o.Key.Column, Value: o.Value, Timestamp: o.Timestamp, Partition: o.Partition,
		Trace: o.Trace, PositionHeader: o.PositionHeader, Allow: slices.Clone(cfg.Kafka.Topics.Allow),
		DeadLetter: slices.Clone(cfg.Delivery.DeadLetter), MaxBytes: int64(cfg.Kafka.MaxMessageBytes),
		Format: format(&o.Format), IgnoreMissing: o.IgnoreMissing(),
	}
	m.KeyColumns, m.KeyJSON, m.KeyMember = slices.Clone(o.Key.Columns), o.Key.JSON, o.Key.Member
	for _, f := range o.Filter {
		m.Filter = append(m.Filter, router.FilterColumn(f))
	}
	if o.CloudEvents {
		m.CloudEvents = &router.CloudEvents{Source: "/walpost/" + cfg.Name}
	}
	for _, h := range o.Headers {
		m.Headers = append(m.Headers, router.HeaderColumn{Name: h.Name, JSON: h.JSON, Column: h.Column, Constant: h.Constant})
	}
	return m
}

// format is how key, value and headers are written.
func format(f *config.Format) router.Format {
	encodings := map[string]router.Encoding{
		config.EncodingJSON: router.EncodingJSON, config.EncodingJSONSchema: router.EncodingJSONSchema,
	}
	binaries := map[string]debezium.Binary{
		config.BinaryBase64: debezium.BinaryBase64, config.BinaryBase64URL: debezium.BinaryBase64URL, config.BinaryHex: debezium.BinaryHex,
	}
	to := router.Format{
		Key: encodings[f.Key], Value: encodings[f.Value], Headers: encodings[f.Headers], Binary: binaries[f.Binary],
		ExpandJSON: f.ExpandJSON, KeepNull: f.KeepsNull(), KeepEmptyArray: f.KeepsEmptyArray(),
		TombstoneOnNull: f.TombstoneOnEmpty, SchemaVersion: f.SchemaVersion, TopicPrefix: f.TopicPrefix,
	}
	for _, e := range f.Envelope {
		to.Envelope = append(to.Envelope, router.EnvelopeColumn(e))
	}
	return to
}

// DeadLetters makes the dead letters of a configuration.
func DeadLetters(cfg *config.Config) (*record.DeadLetters, error) {
	return record.NewDeadLetters(cfg.Delivery.DeadLetter)
}
