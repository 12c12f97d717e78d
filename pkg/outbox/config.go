package outbox

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// Config describes the table and what is written into it. The zero value fits
// Debezium's table and walpost's defaults.
type Config struct {
	// Table is the table in SQL syntax, as in the relay's `outbox.table`: outbox,
	// sales.outbox, "My Schema"."Outbox". Without a schema it is in public. Defaults
	// to public.outbox.
	Table string

	// Columns are the names of the columns.
	Columns Columns

	// Types are the SQL types of columns that differ from those DDL gives, by column:
	// {"payload": "bytea", "aggregateid": "bigint"}.
	Types map[string]string

	// Headers are the columns of further record headers, of type text. Give the relay the
	// same names in `outbox.headers`.
	Headers []HeaderColumn

	// Topic is the relay's `outbox.topic`: events whose topic Kafka would refuse are
	// refused here. Defaults to outbox.event.{aggregatetype}.
	Topic string

	// MaxBytes is the relay's `kafka.max_message_bytes`: events whose record would be
	// larger are refused here. Defaults to 1 MiB. The size of jsonb is an estimate,
	// since Postgres prints it anew: it is exact but for numbers with exponents,
	// escaped characters and repeated keys.
	MaxBytes int

	// Codec encodes payloads that are not bytes already. Defaults to json.Marshal.
	Codec func(v any) ([]byte, error)

	// TraceContext gives the W3C trace context of ctx, written into
	// Columns.Traceparent and Columns.Tracestate. A traceparent that is not well
	// formed is left out, and a tracestate without one. Nil: no such columns.
	TraceContext func(ctx context.Context) (traceparent, tracestate string)

	// DeleteAfterWrite deletes the rows again in the same transaction, by a second
	// statement. The relay publishes the insert all the same, and the table stays
	// empty; but nothing is left in it to look at, or to publish again from when a
	// slot is lost.
	DeleteAfterWrite bool

	// Partitioned makes DDL give a table partitioned by day of Columns.CreatedAt, for
	// package retention.
	Partitioned bool

	// MessagePrefix is the prefix of the messages of Emit. Defaults to outbox.
	MessagePrefix string
}

// Columns are names of columns, without quotes, as Postgres shows them.
type Columns struct {
	ID            string // defaults to id
	AggregateType string // defaults to aggregatetype
	AggregateID   string // defaults to aggregateid
	Type          string // defaults to type
	Payload       string // defaults to payload
	SchemaVersion string // integer; none by default
	Traceparent   string // with Config.TraceContext, defaults to traceparent
	Tracestate    string // with Config.TraceContext, defaults to tracestate

	// CreatedAt is filled by its default, now(): the start of the transaction. None by
	// default; with Config.Partitioned it defaults to created_at.
	CreatedAt string
}

// HeaderColumn is the name of a record header and the column of its value.
type HeaderColumn struct{ Header, Column string }

const (
	defaultTopic    = "outbox.event.{aggregatetype}"
	defaultMaxBytes = 1 << 20
)

// withDefaults fills what is empty, and keeps nothing of the caller's own.
func (c Config) withDefaults() Config {
	fallback(&c.Table, "public.outbox")
	fallback(&c.Topic, defaultTopic)
	fallback(&c.MessagePrefix, "outbox")
	c.Columns = c.namedColumns()
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.Codec == nil {
		c.Codec = json.Marshal
	}
	c.Headers = slices.Clone(c.Headers)
	c.Types = maps.Clone(c.Types)
	return c
}

// namedColumns returns the columns, with a name for each that is wanted.
func (c Config) namedColumns() Columns {
	named := c.Columns
	fallback(&named.ID, "id")
	fallback(&named.AggregateType, "aggregatetype")
	fallback(&named.AggregateID, "aggregateid")
	fallback(&named.Type, "type")
	fallback(&named.Payload, "payload")
	if c.TraceContext != nil {
		fallback(&named.Traceparent, "traceparent")
		fallback(&named.Tracestate, "tracestate")
	}
	if c.Partitioned {
		fallback(&named.CreatedAt, "created_at")
	}
	return named
}

func fallback(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
